/**
 * Random expressions of the pcap-filter language and random frames, from the same small pools of
 * addresses and ports, so that many of them match.
 */
import fc from 'fast-check';
import { ethernet, type Tag } from './frames.ts';

const MACS = ['02:00:00:00:00:0a', '02:00:00:00:00:0b', 'ff:ff:ff:ff:ff:ff', '01:00:5e:00:00:01'];
const IPS = ['10.0.0.1', '10.0.0.2', '192.0.2.1', '224.0.0.1'];
const IP6S = ['fd00::1', 'fd00::2', '2001:db8::1', 'ff02::1'];
const PORTS = [53, 80, 443, 4660];
const VLANS = [1, 42, 4094];
const LABELS = [16, 1000];

const pick = <T>(values: readonly T[]) => fc.constantFrom(...values);
const join = (...parts: fc.Arbitrary<unknown>[]): fc.Arbitrary<string> =>
	fc.tuple(...parts).map((each) => each.join(' '));

const side = pick(['', 'src', 'dst', 'src or dst', 'src and dst']);
const constant = fc.oneof(
	fc.nat(65_535),
	pick([0, 1, 2, 4, 6, 14, 17, 31, 32, 33, 255, 0x0800, 0x8100, 0xffff_ffff]),
);
const relation = pick(['=', '!=', '<', '>', '<=', '>=']);
const operator = pick(['+', '-', '*', '/', '%', '&', '|', '^', '<<', '>>']);

const address = fc.oneof(
	join(side, fc.constant('host'), pick([...IPS, ...IP6S])),
	join(
		side,
		fc.constant('net'),
		pick(['10.0.0.0/8', '192.0.2.0/24', '0.0.0.0/0', 'fd00::/16', '2001:db8::/32']),
	),
	join(fc.constant('ether'), pick(['src', 'dst', '']), fc.constant('host'), pick(MACS)),
	pick(['ether broadcast', 'ether multicast', 'ip multicast', 'ip6 multicast']),
);

const transport = fc.oneof(
	join(pick(['', 'tcp', 'udp', 'sctp']), side, fc.constant('port'), pick(PORTS)),
	join(
		pick(['', 'tcp', 'udp']),
		side,
		fc.constant('portrange'),
		pick(['50-60', '80-443', '1-65535']),
	),
);

const protocol = fc.oneof(
	pick(['ip', 'ip6', 'arp', 'rarp', 'tcp', 'udp', 'icmp', 'icmp6', 'sctp', 'stp', 'igmp']),
	join(pick(['ip', 'ip6']), fc.constant('proto'), pick([1, 6, 17, 58, 132])),
	join(fc.constant('ether proto'), pick([0x0800, 0x86dd, 0x8100, 0x0806, 0x88cc, 0x42])),
	join(pick(['less', 'greater']), pick([14, 60, 64, 100, 200])),
);

const header = pick(['ether', 'ip', 'ip6', 'tcp', 'udp', 'icmp', 'arp']);
const access = fc
	.tuple(
		header,
		fc.oneof(fc.nat(40), pick([0, 12, 200, 1500, 70_000])),
		pick(['', ':1', ':2', ':4']),
	)
	.map(([proto, offset, size]) => `${proto}[${offset}${size}]`);
const nested = fc
	.tuple(header, access, constant, pick(['', ':1', ':2', ':4']))
	.map(([proto, inner, mask, size]) => `${proto}[(${inner} & ${mask & 0xff})${size}]`);

const term = fc.oneof(access, nested, constant.map(String), fc.constant('len'));
const arithmetic = fc.oneof(
	term,
	fc.tuple(term, operator, term).map(([a, op, b]) => `(${a} ${op} ${b})`),
	fc
		.tuple(term, operator, term, operator, term)
		.map(([a, p, b, q, c]) => `((${a} ${p} ${b}) ${q} ${c})`),
	term.map((each) => `(- ${each})`),
);
const comparison = join(arithmetic, relation, arithmetic);

const layered = fc.oneof(
	pick(['vlan', 'mpls', 'vlan and vlan', 'mpls and mpls', 'pppoes']),
	join(fc.constant('vlan'), pick(VLANS)),
	join(fc.constant('mpls'), pick(LABELS)),
	fc
		.tuple(pick(VLANS), fc.oneof(protocol, transport, address))
		.map(([id, more]) => `vlan ${id} and ${more}`),
	fc
		.tuple(pick(VLANS), fc.oneof(protocol, transport))
		.map(([id, more]) => `vlan ${id} and vlan and ${more}`),
	fc
		.tuple(pick(LABELS), fc.oneof(protocol, transport))
		.map(([id, more]) => `mpls ${id} and ${more}`),
);

const primitive = fc.oneof(address, transport, protocol, comparison, layered);

export const expression: fc.Arbitrary<string> = fc.letrec<{
	all: string;
	pair: string;
	not: string;
}>((tie) => ({
	all: fc.oneof({ maxDepth: 3, withCrossShrink: true }, primitive, tie('pair'), tie('not')),
	pair: fc
		.tuple(tie('all'), pick(['and', 'or']), tie('all'))
		.map(([a, op, b]) => `(${a}) ${op} (${b})`),
	not: tie('all').map((each) => `not (${each})`),
})).all;

const u16 = (value: number): Buffer => Buffer.from([value >> 8, value & 255]);
const ip4 = (text: string): Buffer => Buffer.from(text.split('.').map(Number));

function ip6(text: string): Buffer {
	const [head = '', tail = ''] = text.split('::');
	const words = (part: string) =>
		part
			.split(':')
			.filter(Boolean)
			.map((word) => Number.parseInt(word, 16));
	const [a, b] = [words(head), words(tail)];
	const all = [...a, ...new Array(8 - a.length - b.length).fill(0), ...b];
	return Buffer.concat(all.map(u16));
}

const payload = fc.uint8Array({ maxLength: 120 }).map((bytes) => Buffer.from(bytes));
const ports = fc.tuple(pick(PORTS), pick(PORTS)).map(([a, b]) => Buffer.concat([u16(a), u16(b)]));
const layer4 = fc.tuple(ports, payload).map((parts) => Buffer.concat(parts));

const ipv4 = fc
	.record({
		source: pick(IPS),
		target: pick(IPS),
		proto: pick([1, 2, 6, 17, 132]),
		options: fc.nat(10),
		fragment: pick([0, 0, 0, 0x2000, 0x2010, 0x4000]),
		body: layer4,
	})
	.map(({ source, target, proto, options, fragment, body }) => ({
		type: 0x0800,
		bytes: Buffer.concat([
			Buffer.from([0x45 + options, 0]),
			u16(20 + 4 * options + body.length),
			Buffer.from([0, 1]),
			u16(fragment),
			Buffer.from([64, proto, 0, 0]),
			ip4(source),
			ip4(target),
			Buffer.alloc(4 * options, 1),
			body,
		]),
	}));

const ipv6 = fc
	.record({
		source: pick(IP6S),
		target: pick(IP6S),
		next: pick([0, 6, 17, 43, 44, 51, 58, 60, 132]),
		body: layer4,
	})
	.map(({ source, target, next, body }) => ({
		type: 0x86dd,
		bytes: Buffer.concat([
			Buffer.from([0x60, 0, 0, 0]),
			u16(body.length),
			Buffer.from([next, 64]),
			ip6(source),
			ip6(target),
			body,
		]),
	}));

const mplsOf = (inner: fc.Arbitrary<{ type: number; bytes: Buffer }>) =>
	fc
		.tuple(fc.array(pick(LABELS), { minLength: 1, maxLength: 2 }), inner)
		.map(([labels, { bytes }]) => ({
			type: 0x8847,
			bytes: Buffer.concat([
				...labels.map((label, i) => {
					const entry = Buffer.alloc(4);
					entry.writeUInt32BE(label * 4096 + (i === labels.length - 1 ? 256 : 0) + 64);
					return entry;
				}),
				bytes,
			]),
		}));

const other = fc
	.tuple(pick([0x0806, 0x8035, 0x88cc, 0x8863, 0x8864, 0x0026, 0x0042, 0xffff]), payload)
	.map(([type, bytes]) => ({ type, bytes }));

const tags: fc.Arbitrary<Tag[]> = fc.array(
	fc.record({ protocol: pick([0x8100, 0x88a8, 0x9100]), id: pick(VLANS), priority: fc.nat(7) }),
	{ maxLength: 2 },
);

const wellFormed = fc
	.record({
		destination: pick(MACS),
		source: pick(MACS),
		tags,
		network: fc.oneof(
			{ weight: 4, arbitrary: ipv4 },
			{ weight: 3, arbitrary: ipv6 },
			mplsOf(ipv4),
			other,
		),
	})
	.map(({ destination, source, tags, network }) =>
		ethernet({ destination, source, tags, type: network.type }, network.bytes),
	);

/** The kernel takes no frame without a whole Ethernet header. */
const truncated = fc
	.tuple(wellFormed, fc.nat(120))
	.map(([frame, length]) => frame.subarray(0, Math.max(14, length)));
const garbage = fc.uint8Array({ minLength: 14, maxLength: 200 }).map((bytes) => Buffer.from(bytes));

export const frame: fc.Arbitrary<Buffer> = fc.oneof(
	{ weight: 5, arbitrary: wellFormed },
	{ weight: 2, arbitrary: truncated },
	garbage,
);
