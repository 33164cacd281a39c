/**
 * What a copy must look like at the collector, built from the specifications and from nothing of
 * xspan's own: RFC 791, 768, 8200 (outer headers), 2784 and 2890 (GRE), 7348 (VXLAN), 8926 (GENEVE),
 * draft-foschiano-erspan-03 (ERSPAN I, II, III), IEEE 802.1Q (RSPAN).
 */
import { isIPv4 } from 'node:net';
import type {
	ErspanDestination,
	ErspanIIDestination,
	ErspanIIIDestination,
	GeneveDestination,
	GreDestination,
	RspanDestination,
	TunnelDestination,
} from '../../src/spec/destination.ts';
import { checksum } from './frames.ts';

/** What the headers say of one copy beside what the destination says of all. */
export interface Copy {
	sourceMac: string;
	destinationMac: string;
	sourceAddress: string;
	/** Copies before this one. */
	number: number;
	way: 'rx' | 'tx';
	/** Bytes of the frame that leave. Default: all. */
	kept?: number;
	/** ERSPAN III: longer than frames of the source are. */
	oversized?: boolean;
	/** Read off the copy itself: any port of the dynamic range, a time that the test has checked. */
	sourcePort: number;
	time: bigint;
}

const bits = (...fields: [value: number | bigint, width: number][]): Buffer => {
	const width = fields.reduce((sum, field) => sum + field[1], 0);
	let all = 0n;
	for (const [value, wide] of fields) all = (all << BigInt(wide)) | BigInt(value);
	return Buffer.from(all.toString(16).padStart(width / 4, '0'), 'hex');
};

const mac = (text: string): Buffer => Buffer.from(text.replaceAll(':', ''), 'hex');

/** The eight groups of an IPv6 address without an IPv4 part, and the four of an IPv4 address. */
function address(text: string): Buffer {
	if (isIPv4(text)) return Buffer.from(text.split('.').map(Number));
	const [head = '', tail] = text.split('::');
	const groups = (part: string) => part.split(':').filter((group) => group !== '');
	const after = tail === undefined ? [] : groups(tail);
	const zeros = new Array<string>(8 - groups(head).length - after.length).fill('0');
	const all = [...groups(head), ...zeros, ...after];
	return Buffer.from(all.map((group) => group.padStart(4, '0')).join(''), 'hex');
}

interface Outer {
	source: Buffer;
	target: Buffer;
	ttl: number;
	dscp: number;
	protocol: number;
}

function ipv4(outer: Outer, identification: number, payload: Buffer): Buffer {
	const header = Buffer.concat([
		bits([4, 4], [5, 4], [outer.dscp, 6], [0, 2], [20 + payload.length, 16]),
		bits([identification, 16], [0b010, 3], [0, 13]), // Don't Fragment, and no fragment
		bits([outer.ttl, 8], [outer.protocol, 8], [0, 16]),
		outer.source,
		outer.target,
	]);
	header.writeUInt16BE(checksum(header), 10);
	return Buffer.concat([header, payload]);
}

function ipv6(outer: Outer, payload: Buffer): Buffer {
	return Buffer.concat([
		bits([6, 4], [outer.dscp, 6], [0, 2], [0, 20]),
		bits([payload.length, 16], [outer.protocol, 8], [outer.ttl, 8]),
		outer.source,
		outer.target,
		payload,
	]);
}

/** RFC 8200 section 8.1. Over IPv4 the checksum is left out (RFC 7348, RFC 8926). */
function udpChecksum(outer: Outer, udp: Buffer): number {
	if (outer.source.length === 4) return 0;
	const pseudo = bits([udp.length, 32], [0, 24], [17, 8]);
	return checksum(Buffer.concat([outer.source, outer.target, pseudo, udp])) || 0xffff;
}

function udp(outer: Outer, ports: [from: number, to: number], payload: Buffer): Buffer {
	const length = 8 + payload.length;
	const datagram = Buffer.concat([
		bits([ports[0], 16], [ports[1], 16], [length, 16], [0, 16]),
		payload,
	]);
	datagram.writeUInt16BE(udpChecksum(outer, datagram), 6);
	return datagram;
}

/** RFC 2890: C, reserved, K, S, reserved, version; then key and sequence number, as present. */
function gre(protocol: number, key: number | undefined, sequence: number | undefined): Buffer {
	const has = (field: number | undefined) => (field === undefined ? 0 : 1);
	const flags: [number, number][] = [
		[0, 1],
		[0, 1],
		[has(key), 1],
		[has(sequence), 1],
		[0, 9],
		[0, 3],
	];
	const fields = [key, sequence].filter((field) => field !== undefined);
	return bits(...flags, [protocol, 16], ...fields.map((field) => [field, 32] as [number, number]));
}

interface InnerTag {
	vlan: number;
	priority: number;
}

/** The outermost tag. */
function tagOf(frame: Buffer): InnerTag | null {
	if (frame.length < 16 || ![0x8100, 0x88a8].includes(frame.readUInt16BE(12))) return null;
	const tci = frame.readUInt16BE(14);
	return { vlan: tci & 0xfff, priority: tci >> 13 };
}

const isCut = (frame: Buffer, copy: Copy): boolean => (copy.kept ?? frame.length) < frame.length;

function erspanII(to: ErspanIIDestination, frame: Buffer, copy: Copy): Buffer {
	const tag = tagOf(frame);
	return bits(
		[1, 4],
		[tag?.vlan ?? 0, 12],
		[tag?.priority ?? to.cos ?? 0, 3],
		[tag ? 3 : 0, 2], // 0: originally without a tag; 3: the tag is preserved in the frame
		[isCut(frame, copy) ? 1 : 0, 1],
		[to.session, 10],
		[0, 12],
		[to.index ?? 0, 20],
	);
}

/** Bad, short or oversized: 0 good, 1 short, 2 oversized. */
const bso = (frame: Buffer, copy: Copy): number => (copy.oversized ? 2 : frame.length < 60 ? 1 : 0);

function erspanIII(to: ErspanIIIDestination, frame: Buffer, copy: Copy): Buffer {
	const tag = tagOf(frame);
	return bits(
		[2, 4],
		[tag?.vlan ?? 0, 12],
		[tag?.priority ?? to.cos ?? 0, 3],
		[bso(frame, copy), 2],
		[isCut(frame, copy) ? 1 : 0, 1],
		[to.session, 10],
		[copy.time, 32],
		[0, 16], // SGT
		[1, 1], // an Ethernet frame is present
		[0, 5], // frame type Ethernet
		[to.hwid ?? 0, 6],
		[copy.way === 'tx' ? 1 : 0, 1],
		[to.granularity === '100ns' ? 1 : 0, 2],
		[0, 1], // no platform sub-header
	);
}

function erspan(to: ErspanDestination, frame: Buffer, copy: Copy): Buffer {
	if (to.version === 1) return gre(0x88be, undefined, undefined);
	const protocol = to.version === 3 ? 0x22eb : 0x88be;
	const header = to.version === 3 ? erspanIII(to, frame, copy) : erspanII(to, frame, copy);
	return Buffer.concat([gre(protocol, undefined, copy.number), header]);
}

const greOf = (to: GreDestination, copy: Copy): Buffer =>
	gre(0x6558, to.key, to.sequence ? copy.number : undefined);

const vxlan = (vni: number): Buffer => bits([0x08, 8], [0, 24], [vni, 24], [0, 8]);

/** RFC 8926 section 3.5: class, type (critical bit 0), reserved, length in words, data. */
const option = (type: number, data: Buffer): Buffer =>
	Buffer.concat([bits([0xff58, 16], [type, 8], [0, 3], [data.length / 4, 5]), data]);

function geneve(to: GeneveDestination, frame: Buffer, copy: Copy): Buffer {
	const direction = copy.way === 'tx' ? 1 : 0;
	const options = to.meta
		? Buffer.concat([
				option(1, bits([to.session ?? 0, 16], [direction, 8], [0, 8])),
				option(2, bits([frame.length, 32])),
				option(3, bits([copy.time, 64])),
			])
		: Buffer.alloc(0);
	return Buffer.concat([
		bits([0, 2], [options.length / 4, 6], [0, 1], [0, 1], [0, 6], [0x6558, 16]),
		bits([to.vni, 24], [0, 8]),
		options,
	]);
}

const GRE = 47;
const UDP = 17;

/** Everything between IP and the frame, and the frame. */
function payloadOf(to: TunnelDestination, outer: Outer, frame: Buffer, copy: Copy): Buffer {
	const kept = frame.subarray(0, copy.kept ?? frame.length);
	const over = (port: number, header: Buffer) =>
		udp(outer, [copy.sourcePort, port], Buffer.concat([header, kept]));
	switch (to.type) {
		case 'gre':
			return Buffer.concat([greOf(to, copy), kept]);
		case 'erspan':
			return Buffer.concat([erspan(to, frame, copy), kept]);
		case 'vxlan':
			return over(to.port ?? 4789, vxlan(to.vni));
		case 'geneve':
			return over(to.port ?? 6081, geneve(to, frame, copy));
	}
}

const isUdp = (to: TunnelDestination): boolean => to.type === 'vxlan' || to.type === 'geneve';

/** The whole frame that reaches the collector's link. */
export function encapsulated(to: TunnelDestination, frame: Buffer, copy: Copy): Buffer {
	const outer: Outer = {
		source: address(copy.sourceAddress),
		target: address(to.address),
		ttl: to.ttl ?? 64,
		dscp: to.dscp ?? 0,
		protocol: isUdp(to) ? UDP : GRE,
	};
	const payload = payloadOf(to, outer, frame, copy);
	const isFour = outer.target.length === 4;
	return Buffer.concat([
		mac(copy.destinationMac),
		mac(copy.sourceMac),
		bits([isFour ? 0x0800 : 0x86dd, 16]),
		isFour ? ipv4(outer, copy.number & 0xffff, payload) : ipv6(outer, payload),
	]);
}

/** The remote VLAN's tag outside whatever tags the frame has. */
export function remoteTagged(to: RspanDestination, frame: Buffer): Buffer {
	const tag = bits([0x8100, 16], [to.priority ?? 0, 3], [0, 1], [to.vlan, 12]);
	return Buffer.concat([frame.subarray(0, 12), tag, frame.subarray(12)]);
}

const ETHERNET = 14;
const ipLength = (to: TunnelDestination): number => (isIPv4(to.address) ? 20 : 40);

/** Bytes in front of the copied frame. */
export function overhead(to: TunnelDestination): number {
	const sizes = {
		gre: () =>
			4 +
			(to.type === 'gre' && to.key !== undefined ? 4 : 0) +
			(to.type === 'gre' && to.sequence ? 4 : 0),
		erspan: () =>
			to.type !== 'erspan' || to.version === 1 ? 4 : to.version === 3 ? 8 + 12 : 8 + 8,
		vxlan: () => 8 + 8,
		geneve: () => 8 + 8 + (to.type === 'geneve' && to.meta ? 8 + 8 + 12 : 0),
	};
	return ETHERNET + ipLength(to) + sizes[to.type]();
}

/** What the program chose itself; 0 where the format has no such field. */
export function chosenIn(to: TunnelDestination, bytes: Buffer): Pick<Copy, 'sourcePort' | 'time'> {
	const at = ETHERNET + ipLength(to);
	if (to.type === 'erspan' && to.version === 3)
		return { sourcePort: 0, time: BigInt(bytes.readUInt32BE(at + 8 + 4)) };
	const isTimed = to.type === 'geneve' && to.meta;
	return {
		sourcePort: isUdp(to) ? bytes.readUInt16BE(at) : 0,
		time: isTimed ? bytes.readBigUInt64BE(at + 8 + 8 + 8 + 8 + 4) : 0n,
	};
}
