/**
 * Super-frames are counted as what they become in the mirror port: first single ones, made up, with the
 * sum done here; then real ones, where the mirror port itself says what arrived.
 */

import { release } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { isAtLeast } from '../../src/doctor/doctor.ts';
import { tapLedger } from '../../src/ledger.ts';
import { native } from '../../src/native.ts';
import type { DestinationPlan, Plan } from '../../src/plan/plan.ts';
import { loadTap } from '../../src/session/taps.ts';
import { type DeviceKind, deviceKinds } from '../harness/devices.ts';
import { ethernet, type Tag } from '../harness/frames.ts';
import type { Host } from '../harness/lab.ts';
import { Lab } from '../harness/lab.ts';
import { planOf } from '../harness/loaded-tap.ts';
import { observe } from '../harness/observed.ts';
import { Listener, tshark } from '../harness/readers.ts';
import { addresses, CLIENT_IP, cable, HOST_IP, type Scene, scene } from '../harness/scene.ts';
import { testkit } from '../harness/testkit.ts';

/** An interface that nobody has: nothing is cloned, and what is counted as lost is counted alike. */
const NO_PORT = 0x7ffffffe;

const MIRROR_PORT: DestinationPlan = {
	type: 'mirror-port',
	to: { type: 'gre', address: '192.0.2.9' },
	interface: null,
	port: {
		snaplen: null,
		oversize: 'truncate',
		overhead: 38,
		mtu: null,
		largestFrame: null,
		sufficientMtu: 1542,
		route: null,
	},
};

interface Count {
	frames: number;
	bytes: number;
}

interface SuperFrame {
	frame: Buffer;
	gso: [size: number, segments: number];
	tag?: [protocol: number, tci: number];
}

/** A tap of a session with a mirror port, for single frames. */
function loadOne() {
	const plan: Plan = { ...planOf({ hook: 'tcx' }), destination: MIRROR_PORT };
	const maps = new native.Maps({ taps: 1, rings: 1, ringBytes: 4096 });
	const tap = loadTap(
		{ maps, plan, pathOf: () => ({ port: NO_PORT, firstHop: 0 }) },
		plan.taps[0] as Plan['taps'][0],
	);
	return { maps, tap };
}

let one: ReturnType<typeof loadOne>;
beforeAll(() => {
	one = loadOne();
});
afterAll(() => {
	one.tap.close();
	one.maps.close();
});

/** What the tap counts of one frame. */
function counted({ frame, gso, tag }: SuperFrame): Count {
	const before = tapLedger(one.maps.counters(), 0, null);
	testkit.testRun(one.tap.fd(), frame, tag ? { gso, tag } : { gso });
	const after = tapLedger(one.maps.counters(), 0, null);
	expect(after.lost, 'lost, as the interface does not exist').toEqual(after.seen);
	return {
		frames: after.seen.frames - before.seen.frames,
		bytes: after.seen.bytes - before.seen.bytes,
	};
}

const TCP = 6;
const UDP = 17;

const udpHeader = Buffer.alloc(8);

/** The data offset says how long the header is; the rest is of no interest to anybody. */
function tcpHeader(options: number): Buffer {
	const header = Buffer.alloc(20 + options, 0xa5);
	header[12] = ((20 + options) / 4) << 4;
	return header;
}

function ipv4(protocol: number, options: number, payload: Buffer): Buffer {
	const header = Buffer.alloc(20 + options, 1);
	header[0] = 0x40 | (header.length / 4);
	header.writeUInt16BE(header.length + payload.length, 2);
	header.writeUInt16BE(0, 6);
	header[9] = protocol;
	return Buffer.concat([header, payload]);
}

function ipv6(next: number, payload: Buffer): Buffer {
	const header = Buffer.alloc(40);
	header[0] = 0x60;
	header.writeUInt16BE(payload.length, 4);
	header[6] = next;
	return Buffer.concat([header, payload]);
}

/** RFC 2675: what the kernel puts into its own super-frames of more than 64 KiB, and takes out again. */
const jumbo = (next: number): Buffer => Buffer.from([next, 0, 0xc2, 4, 0, 1, 0, 0]);

const NO_TAGS: Tag[] = [];
const TAGS: Tag[][] = [
	NO_TAGS,
	[{ id: 42 }],
	[
		{ protocol: 0x88a8, id: 100 },
		{ id: 42, priority: 5 },
	],
];

interface Shape {
	name: string;
	/** Of each segment, without tags. */
	headers: number;
	/** Only the super-frame has these. */
	extra?: number;
	frame(payload: Buffer, tags: Tag[]): Buffer;
}

const over4 = (tags: Tag[], packet: Buffer) => ethernet({ type: 0x0800, tags }, packet);
const over6 = (tags: Tag[], packet: Buffer) => ethernet({ type: 0x86dd, tags }, packet);

const SHAPES: Shape[] = [
	{
		name: 'TCP over IPv4',
		headers: 14 + 20 + 20,
		frame: (payload, tags) => over4(tags, ipv4(TCP, 0, Buffer.concat([tcpHeader(0), payload]))),
	},
	{
		name: 'TCP over IPv4, options in both',
		headers: 14 + 24 + 32,
		frame: (payload, tags) => over4(tags, ipv4(TCP, 4, Buffer.concat([tcpHeader(12), payload]))),
	},
	{
		name: 'TCP over IPv6',
		headers: 14 + 40 + 60,
		frame: (payload, tags) => over6(tags, ipv6(TCP, Buffer.concat([tcpHeader(40), payload]))),
	},
	{
		name: 'BIG TCP over IPv6',
		headers: 14 + 40 + 32,
		extra: 8,
		frame: (payload, tags) =>
			over6(tags, ipv6(0, Buffer.concat([jumbo(TCP), tcpHeader(12), payload]))),
	},
	{
		name: 'UDP over IPv4',
		headers: 14 + 20 + 8,
		frame: (payload, tags) => over4(tags, ipv4(UDP, 0, Buffer.concat([udpHeader, payload]))),
	},
	{
		name: 'UDP over IPv6',
		headers: 14 + 40 + 8,
		frame: (payload, tags) => over6(tags, ipv6(UDP, Buffer.concat([udpHeader, payload]))),
	},
];

/** Bytes of the segments, one after the other. */
function segments(payload: number, size: number, headers: number): number[] {
	const lengths: number[] = [];
	for (let left = payload; left > 0; left -= size) lengths.push(headers + Math.min(left, size));
	return lengths;
}

const sum = (lengths: number[]): Count => ({
	frames: lengths.length,
	bytes: lengths.reduce((total, length) => total + length, 0),
});

/** Exact multiples, one byte more, one less. BPF_PROG_TEST_RUN takes a page at most. */
const PAYLOADS = [
	[1000, 2000],
	[1000, 2001],
	[1000, 1999],
	[1448, 2896],
	[100, 3000],
	[1, 100],
] as const;

describe.each(SHAPES)('$name', ({ frame, headers, extra = 0 }) => {
	test.each(PAYLOADS)('segments of %i bytes, %i in all', (size, length) => {
		for (const tags of TAGS) {
			const whole = frame(Buffer.alloc(length, 0x5a), tags);
			const own = headers + 4 * tags.length;
			expect(whole, 'the super-frame itself').toHaveLength(own + extra + length);
			const lengths = segments(length, size, own);
			expect(counted({ frame: whole, gso: [size, lengths.length] })).toEqual(sum(lengths));
			// What a guest sends comes uncounted.
			expect(counted({ frame: whole, gso: [size, 0] })).toEqual(sum(lengths));
		}
	});

	test('a tag in metadata is in each segment', () => {
		for (const tags of [NO_TAGS, [{ id: 42 }]]) {
			const whole = frame(Buffer.alloc(2500, 0x5a), tags);
			const lengths = segments(2500, 1000, headers + 4 * tags.length + 4);
			const seen = counted({ frame: whole, gso: [1000, 3], tag: [0x8100, 7] });
			expect(seen).toEqual(sum(lengths));
		}
	});
});

test('a frame that is no super-frame counts as it is', () => {
	const frame = SHAPES[0]?.frame(Buffer.alloc(1000), NO_TAGS) as Buffer;
	expect(counted({ frame, gso: [0, 0] })).toEqual({ frames: 1, bytes: frame.length });
	expect(counted({ frame, gso: [0, 0], tag: [0x8100, 7] })).toEqual({
		frames: 1,
		bytes: frame.length + 4,
	});
});

const COLLECTOR = '192.0.2.9';

/** Host and client with addresses of both families, and a collector behind the host's u0. */
function mirrored(lab: Lab, mtu: number): Scene {
	const set = scene(lab, mtu);
	addresses(set);
	const collector = lab.host('collector');
	cable(set.host, 'u0', collector, 'u1', lab, 9500);
	set.host.ip('address', 'add', '192.0.2.1/24', 'dev', 'u0');
	collector.ip('address', 'add', `${COLLECTOR}/24`, 'dev', 'u1');
	for (const [host, name] of [
		[set.client, 'c0'],
		[set.host, 'h0'],
	] as const)
		limitWindow(host, name);
	return set;
}

/** The mirror port's own queue must not overflow where the kernel's veth has no back-pressure. */
function limitWindow(host: Host, name: string): void {
	for (const which of ['rmem', 'wmem'])
		host.exec('sh', '-c', `echo 4096 65536 262144 > /proc/sys/net/ipv4/tcp_${which}`);
	for (const setting of ['accept_dad', 'disable_ipv6'])
		host.exec('sh', '-c', `echo 0 > /proc/sys/net/ipv6/conf/${name}/${setting}`);
}

const BYTES = 1_500_000;
const PORT = 5001;

async function transfer({ client, host }: Scene, address: string): Promise<void> {
	const server = host.program('transfer.mjs', 'serve', String(PORT));
	await server.says(/listening/);
	const sender = client.program('transfer.mjs', 'send', address, String(PORT), String(BYTES));
	expect(await sender.finished).toMatchObject({ code: 0 });
	expect(await server.finished).toMatchObject({ code: 0 });
}

const UDP_GSO = `
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(17, 103, 1000)  # SOL_UDP, UDP_SEGMENT
for size in (40000, 40001, 39999, 1001, 1000):
    s.sendto(bytes(size), (sys.argv[1], 9))
`;

interface Traffic {
	name: string;
	/** What the kernel must have for it. */
	needs?: DeviceKind;
	mtu?: number;
	prepare?(set: Scene): void;
	send(set: Scene): Promise<void>;
}

const ADDRESS6 = { client: 'fd00:8::1', host: 'fd00:8::2' };

function onBoth({ client, host }: Scene, each: (host: Host, name: string, n: 1 | 2) => void): void {
	each(client, 'c0', 1);
	each(host, 'h0', 2);
}

function addIpv6(set: Scene): void {
	onBoth(set, (host, name, n) => {
		host.ip('address', 'add', `fd00:8::${n}/64`, 'dev', name, 'nodad');
	});
}

const TRAFFIC: Traffic[] = [
	{ name: 'TCP over IPv4', send: (set) => transfer(set, HOST_IP) },
	{ name: 'TCP over IPv6', prepare: addIpv6, send: (set) => transfer(set, ADDRESS6.host) },
	{
		name: 'BIG TCP over IPv6',
		mtu: 9000,
		prepare(set) {
			addIpv6(set);
			onBoth(set, (host, name) => {
				host.ip('link', 'set', name, 'gso_max_size', '200000', 'gro_max_size', '200000');
			});
		},
		send: (set) => transfer(set, ADDRESS6.host),
	},
	{
		name: 'TCP through a VLAN device',
		needs: 'vlan',
		prepare(set) {
			onBoth(set, (host, name, n) => {
				host.ip('link', 'add', 'link', name, 'name', 'v5', 'type', 'vlan', 'id', '5');
				host.ip('address', 'add', `10.85.0.${n}/24`, 'dev', 'v5');
				host.ip('link', 'set', 'v5', 'up');
			});
		},
		send: (set) => transfer(set, '10.85.0.2'),
	},
	{
		name: 'TCP in a VXLAN tunnel',
		needs: 'vxlan',
		prepare(set) {
			onBoth(set, (host, name, n) => {
				const remote = n === 1 ? HOST_IP : CLIENT_IP;
				const tunnel = ['type', 'vxlan', 'id', '7', 'dstport', '4789', 'remote', remote];
				host.ip('link', 'add', 'name', 't7', ...tunnel, 'dev', name);
				host.ip('address', 'add', `10.87.0.${n}/24`, 'dev', 't7');
				host.ip('link', 'set', 't7', 'up');
			});
		},
		send: (set) => transfer(set, '10.87.0.2'),
	},
	{
		name: 'UDP, segmented by the kernel',
		async send({ host }) {
			host.exec('python3', '-c', UDP_GSO, CLIENT_IP);
		},
	},
];

const probe = new Lab();
const kinds = deviceKinds(probe);
await probe[Symbol.asyncDispose]();

/** Kernels from which on a row can be asked for. */
const SINCE: Record<string, [major: number, minor: number]> = {
	// Before, a program cannot see where a tunnel's inner headers are.
	'TCP in a VXLAN tunnel': [6, 2],
	// Before, a veth has no super-frames of more than 64 KiB.
	'BIG TCP over IPv6': [6, 6],
};
const rows = TRAFFIC.filter(
	({ name, needs }) =>
		(!needs || kinds.has(needs)) && isAtLeast(release(), ...(SINCE[name] ?? [6, 1])),
);

describe('the mirror port receives what the taps delivered, to the byte', () => {
	test.each(rows)(
		'$name',
		async ({ mtu = 1500, prepare, send }) => {
			await using lab = new Lab();
			const set = mirrored(lab, mtu);
			prepare?.(set);
			const ear = await Listener.start(set.host, 'h0', join(lab.directory(), 'h0.pcap'));
			const session = await observe(set.host, 'mirror', 'h0', '--to', `gre://${COLLECTOR}`);
			await send(set);
			const { line } = await session.stop();
			await ear.hears(1);
			const longest = Math.max(
				...tshark(ear.file, ['frame.len']).map(([length]) => Number(length)),
			);
			expect(longest, 'there were super-frames').toBeGreaterThan(mtu === 1500 ? 3000 : 65_600);
			const delivered = line.taps.map((tap) => tap.ledger.delivered);
			const total = (unit: keyof Count) => delivered.reduce((all, each) => all + each[unit], 0);
			expect(line.mirror_port?.received).toEqual({
				frames: total('frames'),
				bytes: total('bytes'),
			});
			expect(line.ledger.lost_by).toEqual({});
		},
		120_000,
	);
});
