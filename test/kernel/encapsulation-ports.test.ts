/** UDP source ports: one per flow, of both directions when asked for, whatever part of it a frame has. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { chosenIn } from '../harness/encapsulations.ts';
import {
	arpRequest,
	BROADCAST,
	ethernet,
	HOST_A,
	HOST_B,
	llcFrame,
	lldpFrame,
	runt,
	type Tag,
} from '../harness/frames.ts';
import { Lab } from '../harness/lab.ts';
import { ADDRESSES, LoadedPorts } from '../harness/loaded-port.ts';

const PROTOCOLS = { tcp: 6, udp: 17, sctp: 132, icmp: 1, gre: 47 } as const;

/** One frame of a flow; addresses are numbers of hosts in one net. */
interface Packet {
	version: 4 | 6;
	protocol: keyof typeof PROTOCOLS;
	from: [host: number, port: number];
	to: [host: number, port: number];
	tags?: Tag[];
	/** Bytes behind the ports. */
	payload?: Buffer;
	/** A fragment: where it begins, in units of 8 bytes, and whether more follow. */
	fragment?: [offset: number, more: boolean];
	/** IPv4: bytes of options. */
	options?: Buffer;
}

const u16 = (...values: number[]): Buffer =>
	Buffer.from(values.flatMap((value) => [value >> 8, value & 255]));

/** Later fragments have payload where the first has ports. */
function transport({ from, to, payload = Buffer.alloc(16), fragment }: Packet): Buffer {
	return fragment?.[0] ? payload : Buffer.concat([u16(from[1], to[1]), payload]);
}

function ipv4(packet: Packet): Buffer {
	const { protocol, fragment: [offset, more] = [0, false], options = Buffer.alloc(0) } = packet;
	const body = transport(packet);
	return Buffer.concat([
		Buffer.from([0x40 | (5 + options.length / 4), 0]),
		u16(20 + options.length + body.length, 77, (more ? 0x2000 : 0) | offset),
		Buffer.from([64, PROTOCOLS[protocol], 0, 0]),
		Buffer.from([10, 9, 0, packet.from[0], 10, 9, 0, packet.to[0]]),
		options,
		body,
	]);
}

function ipv6(packet: Packet): Buffer {
	const { protocol, fragment } = packet;
	const address = (host: number) => Buffer.concat([u16(0xfd00), Buffer.alloc(13), Buffer.of(host)]);
	const extension = fragment
		? Buffer.concat([
				Buffer.from([PROTOCOLS[protocol], 0]),
				u16((fragment[0] << 3) | (fragment[1] ? 1 : 0), 0, 77),
			])
		: Buffer.alloc(0);
	const body = Buffer.concat([extension, transport(packet)]);
	return Buffer.concat([
		u16(0x6000, 0, body.length),
		Buffer.from([fragment ? 44 : PROTOCOLS[protocol], 64]),
		address(packet.from[0]),
		address(packet.to[0]),
		body,
	]);
}

/** Host 1 is HOST_A, all others are behind HOST_B. */
function frame(packet: Packet): Buffer {
	const [source, destination] = packet.from[0] === 1 ? [HOST_A, HOST_B] : [HOST_B, HOST_A];
	const type = packet.version === 4 ? 0x0800 : 0x86dd;
	const options = { source, destination, type, tags: packet.tags ?? [] };
	return ethernet(options, packet.version === 4 ? ipv4(packet) : ipv6(packet));
}

const back = (packet: Packet): Packet => ({ ...packet, from: packet.to, to: packet.from });

let lab: Lab;
let ports: LoadedPorts;
beforeAll(async () => {
	lab = new Lab();
	ports = await LoadedPorts.start(lab);
}, 120_000);
afterAll(() => lab[Symbol.asyncDispose]());

const KINDS = (['vxlan', 'geneve'] as const).flatMap((type) =>
	([4, 6] as const).map((family) => ({ type, family })),
);
type Kind = (typeof KINDS)[number];

/** The source ports of copies of these frames. */
async function sourcePorts(
	{ type, family }: Kind,
	symmetric: boolean,
	frames: readonly Buffer[],
): Promise<number[]> {
	const to = { type, vni: 42, address: ADDRESSES[family].collector, symmetric } as const;
	const { runs } = await ports.run({ to }, frames);
	const found = runs.map((run) => chosenIn(to, run.bytes).sourcePort);
	for (const port of found) {
		expect(port).toBeGreaterThanOrEqual(49_152);
		expect(port).toBeLessThanOrEqual(65_535);
	}
	return found;
}

const same = (found: readonly number[], why: string) => expect(new Set(found).size, why).toBe(1);

const TAGS = {
	'no tag': [],
	'a tag': [{ id: 42, priority: 3 }],
	'two tags': [{ protocol: 0x88a8, id: 100 }, { id: 42 }],
};

const FLOWS: { name: string; packet: Packet }[] = ([4, 6] as const).flatMap((version) =>
	(['tcp', 'udp', 'sctp', 'icmp'] as const).flatMap((protocol) =>
		Object.entries(TAGS).map(([tagging, tags]) => ({
			name: `${protocol} over IPv${version}, ${tagging}`,
			// The ports of an echo are its type and checksum: no ports, and not to be taken for any
			packet: { version, protocol, tags, from: [1, 40_000], to: [2, 443] } as Packet,
		})),
	),
);

/** Packets made from one of a flow have one port, for every flow. */
async function expectShared(
	kind: Kind,
	symmetric: boolean,
	packetsOf: (packet: Packet) => Packet[],
): Promise<void> {
	const packets = FLOWS.map(({ packet }) => packetsOf(packet));
	const found = await sourcePorts(kind, symmetric, packets.flat().map(frame));
	for (const [i, { name }] of FLOWS.entries()) {
		const each = packets[i]?.length ?? 0;
		same(found.slice(i * each, (i + 1) * each), name);
	}
}

describe.each(KINDS)('$type over IPv$family', (kind) => {
	test('both directions of a flow share a port when they are to', async () => {
		await expectShared(kind, true, (packet) => [packet, back(packet)]);
	});

	test('otherwise each direction has its own', async () => {
		const frames = FLOWS.flatMap(({ packet }) => [frame(packet), frame(back(packet))]);
		const found = await sourcePorts(kind, false, frames);
		FLOWS.forEach(({ name }, i) => {
			expect(found[2 * i], name).not.toBe(found[2 * i + 1]);
		});
	});

	test.each([true, false])('a flow keeps its port, symmetric: %s', async (symmetric) => {
		await expectShared(kind, symmetric, (packet) =>
			[0, 1, 64, 1400].map((length) => ({ ...packet, payload: Buffer.alloc(length, length) })),
		);
	});

	test.each([true, false])(
		'fragments of a datagram share one, symmetric: %s',
		async (symmetric) => {
			const payload = (byte: number) => Buffer.alloc(512, byte);
			await expectShared(kind, symmetric, (packet) => [
				{ ...packet, payload: payload(1), fragment: [0, true] },
				{ ...packet, payload: payload(2), fragment: [65, true] },
				{ ...packet, payload: payload(3), fragment: [129, false] },
			]);
		},
	);

	test('fragments of both directions share one when they are to', async () => {
		const first: Packet = {
			version: 4,
			protocol: 'udp',
			from: [1, 40_000],
			to: [2, 53],
			fragment: [0, true],
		};
		const later: Packet = { ...first, fragment: [65, false] };
		const frames = [first, later].flatMap((each) => [frame(each), frame(back(each))]);
		same(await sourcePorts(kind, true, frames), 'fragments');
	});

	test.each([true, false])('flows are spread, symmetric: %s', async (symmetric) => {
		const each = (packet: Partial<Packet>): Packet => ({
			version: 4,
			protocol: 'tcp',
			from: [1, 40_000],
			to: [2, 443],
			...packet,
		});
		const numbers = Array.from({ length: 64 }, (_, i) => i);
		const flows = [
			...numbers.map((i) => each({ from: [1, 40_001 + i] })),
			...numbers.map((i) => each({ to: [3 + i, 443] })),
			...numbers.map((i) => each({ version: 6, from: [1, 40_001 + i] })),
			...numbers.map((i) => each({ version: 6, to: [3 + i, 443] })),
		];
		const found = new Set(await sourcePorts(kind, symmetric, flows.map(frame)));
		// 256 flows on 16,384 ports: some two collisions, and always the same ones
		expect(found.size).toBeGreaterThan(245);
	});
});

const [KIND] = KINDS as [Kind];

test.each([true, false])('ports behind IPv4 options, symmetric: %s', async (symmetric) => {
	const packet: Packet = {
		version: 4,
		protocol: 'udp',
		from: [1, 40_000],
		to: [2, 53],
		options: Buffer.alloc(40, 1),
	};
	const other: Packet = { ...packet, from: [1, 40_001] };
	const without: Packet = { version: 4, protocol: 'udp', from: [1, 40_000], to: [2, 53] };
	const found = await sourcePorts(KIND, symmetric, [packet, other, without].map(frame));
	expect(found[0]).not.toBe(found[1]);
	expect(found[0]).toBe(found[2]);
});

test.each([true, false])(
	'frames without a flow have a port, too, symmetric: %s',
	async (symmetric) => {
		const short = frame({ version: 4, protocol: 'tcp', from: [1, 1], to: [2, 2] });
		const cut = [14, 18, 20, 33, 34, 35, 36, 37, 38].map((length) => short.subarray(0, length));
		const odd = [runt(), arpRequest(), lldpFrame(), llcFrame(), ...cut];
		expect(await sourcePorts(KIND, symmetric, odd)).toHaveLength(odd.length);
	},
);

test('frames of other protocols: both directions between two stations share one', async () => {
	const body = Buffer.alloc(46);
	for (const tags of Object.values(TAGS)) {
		const type = 0x88b5;
		const frames = [
			ethernet({ type, tags, source: HOST_A, destination: HOST_B }, body),
			ethernet({ type, tags, source: HOST_B, destination: HOST_A }, body),
			ethernet({ type, tags, source: HOST_A, destination: BROADCAST }, body),
		];
		const [there, back, all] = await sourcePorts(KIND, true, frames);
		expect(there).toBe(back);
		expect(all).not.toBe(there);
	}
});
