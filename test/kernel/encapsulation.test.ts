/** Frames x encapsulations: the whole copy, compared with one built from the specifications. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { TunnelDestination } from '../../src/spec/destination.ts';
import { chosenIn, encapsulated, overhead, remoteTagged } from '../harness/encapsulations.ts';
import {
	arpRequest,
	ethernet,
	llcFrame,
	lldpFrame,
	runt,
	udp6Frame,
	udpFrame,
} from '../harness/frames.ts';
import { Lab } from '../harness/lab.ts';
import {
	ADDRESSES,
	BEHIND,
	COLLECTOR_MAC,
	LoadedPorts,
	type PortRuns,
	type PortSpec,
	UPLINK_MAC,
	type Way,
} from '../harness/loaded-port.ts';

/** The clocks are read at different moments, and emulated machines take their time. */
const CLOCK_TOLERANCE_MS = 2000n;
const XDP_DROP = 1;
const XDP_PASS = 2;

const QINQ = [
	{ protocol: 0x88a8, id: 100, priority: 2 },
	{ id: 42, priority: 5 },
];

interface Row {
	name: string;
	frame: Buffer;
	/** Longer than frames of a source with MTU 1500 are. */
	oversized?: boolean;
}

/** Lengths at which the UDP checksum's blocks of 512 bytes end, a byte less and a byte more. */
const AROUND_BLOCKS = [1, 2, 4, 8].flatMap((blocks) =>
	// VXLAN and plain GENEVE headers take 16 bytes of them, GENEVE with options 44
	[16, 44].flatMap((header) => [-1, 0, 1].map((more) => 512 * blocks - header + more)),
);

const FRAMES: Row[] = [
	{ name: 'an Ethernet header alone', frame: runt() },
	{ name: '15 bytes', frame: ethernet({ type: 0x88b5 }, Buffer.from([7])) },
	{ name: '59 bytes', frame: udpFrame(59) },
	{ name: '60 bytes', frame: udpFrame(60) },
	{ name: '1514 bytes', frame: udpFrame(1514) },
	{ name: '1515 bytes', frame: udpFrame(1515), oversized: true },
	{ name: '9014 bytes', frame: udpFrame(9014), oversized: true },
	{ name: '802.1Q', frame: udpFrame(100, { tags: [{ id: 42, priority: 3 }] }) },
	{ name: '1514 bytes and a tag', frame: udpFrame(1514, { tags: [{ id: 4094, priority: 7 }] }) },
	{
		name: '1515 bytes and a tag',
		frame: udpFrame(1515, { tags: [{ id: 1 }] }),
		oversized: true,
	},
	{ name: 'a priority tag (VLAN 0)', frame: udpFrame(100, { tags: [{ id: 0, priority: 7 }] }) },
	{ name: 'QinQ', frame: udpFrame(100, { tags: QINQ }) },
	// Tags are on top of what a source's MTU allows.
	{ name: '1514 bytes and two tags', frame: udpFrame(1514, { tags: QINQ }) },
	{ name: 'IPv6', frame: udp6Frame() },
	{ name: 'ARP', frame: arpRequest() },
	{ name: 'LLDP', frame: lldpFrame() },
	{ name: '802.3 with LLC', frame: llcFrame() },
	...AROUND_BLOCKS.map((length) => ({
		name: `${length} bytes`,
		frame: udpFrame(length),
		oversized: length > 1514,
	})),
];

const TUNNELS: Record<string, (address: string) => TunnelDestination> = {
	gre: (address) => ({ type: 'gre', address }),
	'gre, key': (address) => ({ type: 'gre', address, key: 7 }),
	'gre, sequence': (address) => ({ type: 'gre', address, sequence: true }),
	'gre, largest key, sequence': (address) => ({
		type: 'gre',
		address,
		key: 0xffff_ffff,
		sequence: true,
	}),
	'erspan I': (address) => ({ type: 'erspan', version: 1, address }),
	'erspan II': (address) => ({ type: 'erspan', session: 10, address }),
	'erspan II, every field': (address) => ({
		type: 'erspan',
		version: 2,
		session: 1023,
		index: 0xfffff,
		cos: 5,
		address,
	}),
	'erspan III': (address) => ({ type: 'erspan', version: 3, session: 1, address }),
	'erspan III, every field': (address) => ({
		type: 'erspan',
		version: 3,
		session: 1023,
		hwid: 63,
		cos: 6,
		granularity: '100ns',
		address,
	}),
	vxlan: (address) => ({ type: 'vxlan', vni: 42, address }),
	'vxlan, largest VNI, another port': (address) => ({
		type: 'vxlan',
		vni: 0xff_ffff,
		port: 8472,
		symmetric: true,
		address,
	}),
	geneve: (address) => ({ type: 'geneve', vni: 0xabcdef, address }),
	'geneve, options': (address) => ({
		type: 'geneve',
		vni: 1,
		port: 65_535,
		meta: true,
		session: 65_535,
		address,
	}),
};

let lab: Lab;
let ports: LoadedPorts;
beforeAll(async () => {
	lab = new Lab();
	ports = await LoadedPorts.start(lab);
}, 120_000);
afterAll(() => lab[Symbol.asyncDispose]());

const TICK_NS = { '100us': 100_000n, '100ns': 100n };

/** The time in a copy is one at which it was made. */
function expectTime(to: TunnelDestination, time: bigint, { from, to: end }: PortRuns): void {
	const [first, last] = [BigInt(from) - CLOCK_TOLERANCE_MS, BigInt(end) + CLOCK_TOLERANCE_MS];
	if (to.type === 'geneve' && to.meta) {
		expect(time).toBeGreaterThan(first * 1_000_000n);
		expect(time).toBeLessThan(last * 1_000_000n);
	}
	if (to.type === 'erspan' && to.version === 3) {
		const tick = TICK_NS[to.granularity ?? '100us'];
		const since = BigInt.asUintN(32, time - (first * 1_000_000n) / tick);
		expect(since).toBeLessThan(((last - first) * 1_000_000n) / tick);
	}
}

interface Expected {
	to: TunnelDestination;
	way?: Way;
	kept?: number;
	sourceAddress?: string;
}

/** Compares copy `number` of a run with what the specifications say. */
function expectCopy(all: PortRuns, number: number, row: Row, { to, ...facts }: Expected): void {
	const run = all.runs[number];
	expect(run?.verdict, 'handed on').toBe(XDP_PASS);
	expect(run).toMatchObject({ uplink: ports.uplink, length: row.frame.length });
	const bytes = run?.bytes as Buffer;
	const chosen = chosenIn(to, bytes);
	if (chosen.sourcePort) expect(chosen.sourcePort).toBeGreaterThanOrEqual(49_152);
	expectTime(to, chosen.time, all);
	const expected = encapsulated(to, row.frame, {
		sourceMac: UPLINK_MAC,
		destinationMac: COLLECTOR_MAC,
		sourceAddress: ADDRESSES[to.address.includes(':') ? 6 : 4].uplink,
		number,
		way: 'rx',
		oversized: row.oversized ?? false,
		...facts,
		...chosen,
	});
	expect(bytes.toString('hex')).toBe(expected.toString('hex'));
}

describe.each([4, 6] as const)('over IPv%i', (family) => {
	describe.each(Object.entries(TUNNELS))('%s', (_, make) => {
		const to = { ...make(ADDRESSES[family].collector), mtu: 9500 };
		const rows = FRAMES.map((row, number) => ({ ...row, number }));
		let all: PortRuns;
		beforeAll(async () => {
			all = await ports.run(
				{ to },
				FRAMES.map((row) => row.frame),
			);
		});

		test.each(rows)('$name', ({ number, ...row }) => expectCopy(all, number, row, { to }));

		test('every frame is counted as it was, and numbered', () => {
			const bytes = FRAMES.reduce((sum, row) => sum + row.frame.length, 0);
			expect(all.ledger.received).toEqual({ frames: FRAMES.length, bytes });
			expect(all.ledger.truncated.frames).toBe(0);
			expect(all.ledger.lost_by).toEqual({});
			expect(all.sequence).toBe(FRAMES.length);
		});
	});
});

/** Runs one frame, and says which copy it must become. */
async function expectOne(spec: PortSpec, row: Row, expected: Expected): Promise<PortRuns> {
	const all = await ports.run(spec, [{ frame: row.frame, way: expected.way ?? 'rx' }]);
	expectCopy(all, 0, row, expected);
	return all;
}

const whole: Row = { name: 'a full frame', frame: udpFrame(1514) };
const tagged: Row = {
	name: 'a full frame with a tag',
	frame: udpFrame(1514, { tags: [{ id: 42, priority: 3 }] }),
};
const EVERY = Object.entries(TUNNELS).flatMap(([name, make]) =>
	([4, 6] as const).map((family) => ({
		name: `${name} over IPv${family}`,
		to: make(ADDRESSES[family].collector),
	})),
);

describe('what is cut', () => {
	test.each(EVERY)('to a snaplen: $name', async ({ to }) => {
		for (const row of [whole, tagged]) {
			const spec = { to: { ...to, mtu: 9500 }, snaplen: 128 };
			const all = await expectOne(spec, row, { to, kept: 128 });
			expect(all.ledger.truncated.frames, 'a snaplen is no truncation').toBe(0);
		}
	});

	test.each(EVERY)('to the MTU, and not a byte more: $name', async ({ to }) => {
		const mtu = 1500;
		const most = mtu + 14 - overhead(to);
		const rows = [most, most + 1, 1514].map((length) => ({ name: '', frame: udpFrame(length) }));
		const all = await ports.run(
			{ to: { ...to, mtu } },
			rows.map(({ frame }) => frame),
		);
		rows.forEach((row, number) => {
			expectCopy(all, number, row, { to, kept: most });
			expect(all.runs[number]?.bytes, 'the IP packet fills the MTU').toHaveLength(mtu + 14);
		});
		const cut = rows.slice(1).reduce((sum, row) => sum + row.frame.length, 0);
		expect(all.ledger.truncated).toEqual({ frames: 2, bytes: cut });
	});

	test.each(Object.entries(BEHIND.addresses))(
		'to the MTU of the route, behind a gateway, %s',
		async (_, address) => {
			const to = { type: 'erspan', version: 1, address } as const;
			await expectOne({ to }, whole, { to, kept: BEHIND.mtu + 14 - overhead(to) });
		},
	);

	test('to the MTU where the snaplen is longer', async () => {
		const to = { type: 'erspan', session: 10, address: ADDRESSES[4].collector, mtu: 576 } as const;
		const kept = 576 + 14 - overhead(to);
		const all = await expectOne({ to, snaplen: 1000 }, whole, { to, kept });
		expect(all.ledger.truncated).toEqual({ frames: 1, bytes: 1514 });
	});
});

test.each(EVERY)(
	'--oversize drop loses what does not fit, and no number: $name',
	async ({ to }) => {
		const destination = { ...to, mtu: 1500, oversize: 'drop' } as const;
		const most = 1500 + 14 - overhead(to);
		const small: Row = { name: '', frame: udpFrame(most) };
		const frames = [udpFrame(most + 1), small.frame, udpFrame(1514)];
		const all = await ports.run({ to: destination }, frames);
		expect(all.runs.map((run) => run.verdict)).toEqual([XDP_DROP, XDP_PASS, XDP_DROP]);
		const copies = { ...all, runs: all.runs.slice(1, 2) };
		expectCopy(copies, 0, small, { to });
		expect(all.sequence).toBe(1);
		expect(all.ledger.lost_by).toEqual({ oversize: { frames: 2, bytes: most + 1 + 1514 } });
		expect(all.ledger.truncated.frames).toBe(0);
	},
);

describe('the outer header says', () => {
	test.each(EVERY)('ttl, dscp and a source address: $name', async ({ to }) => {
		const sourceAddress = ADDRESSES[to.address.includes(':') ? 6 : 4].other;
		const destination = { ...to, mtu: 9500, ttl: 1, dscp: 63, sourceAddress };
		await expectOne({ to: destination }, whole, { to: destination, sourceAddress });
	});
});

const DIRECTED = EVERY.filter(({ name }) => /erspan III|options/.test(name));

describe('the direction', () => {
	test.each(DIRECTED)('of a session that takes one: $name', async ({ to }) => {
		for (const direction of ['rx', 'tx'] as const) {
			const spec = { to: { ...to, mtu: 9500 }, direction };
			await expectOne(spec, tagged, { to, way: direction });
		}
	});

	test.each(DIRECTED)('of a session that takes both, out of the marker: $name', async ({ to }) => {
		const rows = FRAMES.flatMap((row) => (['rx', 'tx'] as const).map((way) => ({ ...row, way })));
		const all = await ports.run({ to: { ...to, mtu: 9500 }, direction: 'both' }, rows);
		for (const [number, { way, ...row }] of rows.entries())
			expectCopy(all, number, row, { to, way });
		const bytes = rows.reduce((sum, row) => sum + row.frame.length, 0);
		expect(all.ledger.received, 'the marker is not counted').toEqual({
			frames: rows.length,
			bytes,
		});
	});

	test.each(DIRECTED)('is none of a cut frame: $name', async ({ to }) => {
		const spec = { to: { ...to, mtu: 1500 }, direction: 'both' } as const;
		await expectOne(spec, whole, { to, way: 'tx', kept: 1514 - overhead(to) });
		await expectOne({ ...spec, snaplen: 64 }, tagged, { to, way: 'rx', kept: 64 });
	});
});

test('oversized is what is longer than the frames of the source', async () => {
	const to: TunnelDestination = {
		type: 'erspan',
		version: 3,
		session: 1,
		address: ADDRESSES[4].collector,
		mtu: 9500,
	};
	const spec = { to, source: 's9' };
	await expectOne(spec, { name: '', frame: udpFrame(9014) }, { to });
	await expectOne(spec, { name: '', frame: udpFrame(9015), oversized: true }, { to });
});

test.each([
	{ type: 'vxlan', vni: 42 },
	{ type: 'geneve', vni: 42, meta: true },
] as const)(
	'a UDP checksum over IPv6 that comes out as 0 is sent as 0xffff: $type',
	async (kind) => {
		const to = { ...kind, address: ADDRESSES[6].collector };
		const checksumAt = 14 + 40 + 6;
		const frame = udp6Frame(64);
		const first = (await ports.run({ to }, [frame])).runs[0]?.bytes as Buffer;
		// The one's complement sum over everything becomes 0xffff: the checksum itself completes it.
		frame.writeUInt16BE(first.readUInt16BE(checksumAt), frame.length - 2);
		const all = await expectOne({ to }, { name: '', frame }, { to });
		if (kind.type === 'vxlan') expect(all.runs[0]?.bytes.readUInt16BE(checksumAt)).toBe(0xffff);
	},
);

test('the longest frame that fits an IP packet', { timeout: 120_000 }, async () => {
	for (const [name, make] of Object.entries(TUNNELS))
		for (const family of [4, 6] as const) {
			const to = make(ADDRESSES[family].collector);
			const row: Row = { name, frame: udpFrame(32_000), oversized: true };
			await expectOne({ to: { ...to, mtu: 65_535 } }, row, { to });
		}
});

/** An Ethernet header and a type behind the tag: skb_vlan_untag() in net/core/skbuff.c. */
const SHORTEST_TAGGED = 16;

const TRUNK = { type: 'rspan', interface: 'u0', vlan: 900 } as const;

describe.each([
	{ ...TRUNK, mtu: 9500 },
	{ ...TRUNK, mtu: 9500, vlan: 4094, priority: 7 },
	{ ...TRUNK, mtu: 9500, vlan: 1, priority: 4 },
])('rspan, VLAN $vlan', (to) => {
	let all: PortRuns;
	beforeAll(async () => {
		all = await ports.run(
			{ to, direction: 'both' },
			FRAMES.map((row) => row.frame),
		);
	});

	const rows = FRAMES.map((row, number) => ({ ...row, number }));

	test.each(rows.filter(({ frame }) => frame.length >= SHORTEST_TAGGED))('$name', (row) => {
		const { frame, number } = row;
		const run = all.runs[number];
		expect(run).toMatchObject({
			verdict: XDP_PASS,
			uplink: ports.uplink,
			length: frame.length,
		});
		expect(run?.bytes.toString('hex')).toBe(remoteTagged(to, frame).toString('hex'));
	});

	test('what the stack would drop behind a tag is lost by name', () => {
		const short = rows.filter(({ frame }) => frame.length < SHORTEST_TAGGED);
		expect(short.map(({ number }) => all.runs[number]?.verdict)).toEqual([XDP_DROP, XDP_DROP]);
		const bytes = short.reduce((sum, { frame }) => sum + frame.length, 0);
		expect(all.ledger.lost_by).toEqual({ encap_failed: { frames: short.length, bytes } });
	});
});

test('rspan cuts to a snaplen before the tag is pushed', async () => {
	const to = { ...TRUNK, priority: 3 };
	for (const { frame } of [whole, tagged]) {
		const { runs } = await ports.run({ to, snaplen: 100 }, [frame]);
		const expected = remoteTagged(to, frame).subarray(0, 104);
		expect(runs[0]?.bytes.toString('hex')).toBe(expected.toString('hex'));
	}
});

test('a port with a snaplen gets the first bytes, and nothing in front of them', async () => {
	const to = { type: 'port', interface: 'u0' } as const;
	const { runs, ledger } = await ports.run(
		{ to, snaplen: 64, direction: 'both' },
		FRAMES.map((row) => row.frame),
	);
	runs.forEach((run, number) => {
		const frame = FRAMES[number]?.frame as Buffer;
		expect(run.bytes.equals(frame.subarray(0, 64)), FRAMES[number]?.name).toBe(true);
		expect(run).toMatchObject({ uplink: ports.uplink, length: frame.length });
	});
	expect(ledger.truncated.frames).toBe(0);
});

test.each([4, 6] as const)(
	"a user's permanent neighbour stays permanent, IPv%i",
	async (family) => {
		const { collector: address } = ADDRESSES[family];
		const neighbour = [address, 'lladdr', COLLECTOR_MAC, 'dev', 'u0', 'nud'];
		ports.host.ip('neigh', 'replace', ...neighbour, 'permanent');
		const to = { type: 'gre', address, mtu: 9500 } as const;
		const { runs } = await ports.run({ to }, [whole.frame]);
		const after = ports.host.ip('neigh', 'show', address, 'dev', 'u0');
		ports.host.ip('neigh', 'replace', ...neighbour, 'reachable');
		expect(after).toContain('PERMANENT');
		expect(runs[0]?.verdict).toBe(XDP_PASS);
	},
);
