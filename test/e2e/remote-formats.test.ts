/** Every format over IPv4 and IPv6: Wireshark decodes every field, and the frame in it is the original. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
	arpRequest,
	llcFrame,
	lldpFrame,
	runt,
	type Tag,
	udp6Frame,
	udpFrame,
} from '../harness/frames.ts';
import { Lab } from '../harness/lab.ts';
import { observe } from '../harness/observed.ts';
import {
	COLLECTOR,
	COLLECTOR_MAC,
	Collector,
	type Decoded,
	decode,
	destination,
	FAMILIES,
	type Family,
	FORMATS,
	type Format,
	inner,
	overhead,
	type Remote,
	RSPAN_ONLY,
	remote,
	sendAll,
	UPLINK,
	UPLINK_MAC,
} from '../harness/remote.ts';

const QINQ: Tag[] = [{ protocol: 0x88a8, id: 100, priority: 6 }, { id: 200 }];

interface Sample {
	frame: Buffer;
	direction: 'rx' | 'tx';
	/** The outermost. */
	tag?: { id: number; priority: number };
}

const received: Sample[] = [
	{ frame: udpFrame(200), direction: 'rx' },
	{
		frame: udpFrame(201, { tags: [{ id: 42, priority: 5 }] }),
		direction: 'rx',
		tag: { id: 42, priority: 5 },
	},
	{ frame: udpFrame(202, { tags: QINQ }), direction: 'rx', tag: { id: 100, priority: 6 } },
	{ frame: arpRequest(), direction: 'rx' },
	{ frame: lldpFrame(), direction: 'rx' },
	{ frame: llcFrame(), direction: 'rx' },
	{ frame: udp6Frame(33), direction: 'rx' },
	{ frame: runt(), direction: 'rx' },
];

const sent: Sample[] = [
	{ frame: udpFrame(300), direction: 'tx' },
	{
		frame: udpFrame(301, { tags: [{ id: 4094, priority: 7 }] }),
		direction: 'tx',
		tag: { id: 4094, priority: 7 },
	},
	{ frame: lldpFrame(), direction: 'tx' },
];

const samples = [...received, ...sent];
const TTL = 33;
const DSCP = 46;

let lab: Lab;
let all: Remote;
beforeAll(() => {
	lab = new Lab();
	all = remote(lab);
});
afterAll(async () => lab[Symbol.asyncDispose]());

/** Mirrors samples, the received ones first, to a destination, and returns what came. */
async function mirrored(samples: Sample[], to: string, filter?: string, ...options: string[]) {
	const ear = await Collector.start(all.collector, lab, 'k0', filter);
	const session = await observe(all.host, 'mirror', 'h0', '--to', to, ...options);
	const [rx, tx] = (['rx', 'tx'] as const).map((direction) =>
		samples.filter((sample) => sample.direction === direction).map(({ frame }) => frame),
	) as [Buffer[], Buffer[]];
	await sendAll(all.client, 'c0', rx);
	await session.sees(rx.length);
	await sendAll(all.host, 'h0', tx);
	await session.sees(samples.length);
	const { line } = await session.stop();
	const bytes = samples.reduce((sum, { frame }) => sum + frame.length, 0);
	expect(line.ledger.delivered).toEqual({ frames: samples.length, bytes });
	expect(line.ledger.lost.frames).toBe(0);
	expect(line.mirror_port?.truncated.frames).toBe(0);
	return { frames: await ear.collects(samples.length), file: ear.file };
}

const OUTER = [
	'eth.src',
	'eth.dst',
	'frame.len',
	'frame.protocols',
	'frame.time_epoch',
	'ip.src',
	'ip.dst',
	'ip.len',
	'ip.id',
	'ip.flags.df',
	'ip.flags.mf',
	'ip.frag_offset',
	'ip.ttl',
	'ip.dsfield.dscp',
	'ip.dsfield.ecn',
	'ip.checksum.status',
	'ipv6.src',
	'ipv6.dst',
	'ipv6.plen',
	'ipv6.hlim',
	'ipv6.tclass.dscp',
	'udp.srcport',
	'udp.dstport',
	'udp.length',
	'udp.checksum',
	'udp.checksum.status',
] as const;

const TUNNEL = [
	'gre.proto',
	'gre.flags_and_version',
	'gre.key',
	'gre.sequence_number',
	'erspan.version',
	'erspan.vlan',
	'erspan.cos',
	'erspan.bso',
	'erspan.truncated',
	'erspan.spanid',
	'erspan.index',
	'erspan.timestamp',
	'erspan.sgt',
	'erspan.p',
	'erspan.ft',
	'erspan.hw',
	'erspan.gra',
	'erspan.direction',
	'erspan.o',
	'vxlan.flags',
	'vxlan.vni',
	'vxlan.gbp',
	'vxlan.reserved8',
	'geneve.version',
	'geneve.flags',
	'geneve.proto_type',
	'geneve.vni',
	'geneve.option.class',
	'geneve.option.type',
	'geneve.option.type.critical',
	'geneve.option.length',
	'geneve.option.unknown.data',
] as const;

type Row = Decoded<(typeof OUTER)[number] | (typeof TUNNEL)[number]>;

/** tshark: 1 good, 3 not present. */
const GOOD = '1';
const ABSENT = '3';

function expectIpv4(row: Row, length: number, number: number): void {
	const ip = {
		source: row['ip.src'][0],
		target: row['ip.dst'][0],
		length: Number(row['ip.len'][0]),
		id: Number(row['ip.id'][0]),
		df: row['ip.flags.df'][0],
		fragment: [row['ip.flags.mf'][0], row['ip.frag_offset'][0]],
		ttl: Number(row['ip.ttl'][0]),
		dscp: Number(row['ip.dsfield.dscp'][0]),
		ecn: row['ip.dsfield.ecn'][0],
		checksum: row['ip.checksum.status'][0],
	};
	expect(ip).toEqual({
		source: UPLINK[4],
		target: COLLECTOR[4],
		length: length - 14,
		id: number,
		df: '1',
		fragment: ['0', '0'],
		ttl: TTL,
		dscp: DSCP,
		ecn: '0',
		checksum: GOOD,
	});
}

function expectIpv6(row: Row, length: number): void {
	const ip = {
		source: row['ipv6.src'][0],
		target: row['ipv6.dst'][0],
		length: Number(row['ipv6.plen'][0]),
		ttl: Number(row['ipv6.hlim'][0]),
		dscp: Number(row['ipv6.tclass.dscp'][0]),
	};
	expect(ip).toEqual({
		source: UPLINK[6],
		target: COLLECTOR[6],
		length: length - 14 - 40,
		ttl: TTL,
		dscp: DSCP,
	});
}

function expectUdp(row: Row, family: Family, length: number, port: number): void {
	expect(Number(row['udp.dstport'][0])).toBe(port);
	expect(Number(row['udp.length'][0])).toBe(length - 14 - (family === 4 ? 20 : 40));
	expect(Number(row['udp.srcport'][0])).toBeGreaterThanOrEqual(49_152);
	expect(row['udp.checksum.status'][0]).toBe(family === 4 ? ABSENT : GOOD);
	if (family === 4) expect(Number(row['udp.checksum'][0])).toBe(0);
}

function expectOuter(row: Row, family: Family, format: Format, sample: Sample, number: number) {
	const length = overhead(format, family) + sample.frame.length;
	expect(Number(row['frame.len'][0])).toBe(length);
	expect([row['eth.src'][0], row['eth.dst'][0]]).toEqual([UPLINK_MAC, COLLECTOR_MAC]);
	if (family === 4) expectIpv4(row, length, number);
	else expectIpv6(row, length);
	expect(row['frame.protocols'].join().split(':')).toContain(format.protocol);
	if (format.isUdp) expectUdp(row, family, length, format.protocol === 'vxlan' ? 4789 : 6081);
}

const first = (row: Row, ...fields: (keyof Row)[]): (string | undefined)[] =>
	fields.map((field) => row[field][0]);

function expectGre(row: Row, protocol: string, flags: string, ...rest: string[]): void {
	const fields = first(row, 'gre.proto', 'gre.flags_and_version', 'gre.key', 'gre.sequence_number');
	expect(fields.filter((field) => field !== undefined)).toEqual([protocol, flags, ...rest]);
}

function expectErspan(row: Row, version: number, session: number, cos: number, { tag }: Sample) {
	const names = ['version', 'vlan', 'cos', 'truncated', 'spanid'] as const;
	const fields = first(row, ...names.map((name) => `erspan.${name}` as const)).map(Number);
	expect(fields).toEqual([version, tag?.id ?? 0, tag?.priority ?? cos, 0, session]);
}

const SHORT = 60;

/** How far two clocks that are the same may be apart when somebody else had the CPU. */
const APART_S = 2;

function expectErspan3(row: Row, sample: Sample, hwid: number, unitNs: number): void {
	const names = ['bso', 'sgt', 'p', 'ft', 'hw', 'gra', 'direction', 'o'] as const;
	const fields = first(row, ...names.map((name) => `erspan.${name}` as const)).map(Number);
	const isShort = sample.frame.length < SHORT ? 1 : 0;
	const granularity = unitNs === 100 ? 1 : 0;
	const direction = sample.direction === 'tx' ? 1 : 0;
	expect(fields).toEqual([isShort, 0, 1, 0, hwid, granularity, direction, 0]);
	const stamp = Number(row['erspan.timestamp'][0]);
	const wall = Number(row['frame.time_epoch'][0]) * (1e9 / unitNs);
	const apart = (((wall % 2 ** 32) - stamp + 2 ** 32 + 2 ** 31) % 2 ** 32) - 2 ** 31;
	expect(Math.abs(apart) * unitNs * 1e-9, 'seconds from the wall clock').toBeLessThan(APART_S);
}

function expectVxlan(row: Row, vni: number): void {
	const fields = first(row, 'vxlan.flags', 'vxlan.vni', 'vxlan.gbp', 'vxlan.reserved8');
	expect(fields.map(Number)).toEqual([0x0800, vni, 0, 0]);
}

function expectGeneve(row: Row, vni: number): void {
	const names = ['version', 'flags', 'proto_type', 'vni'] as const;
	const fields = first(row, ...names.map((name) => `geneve.${name}` as const));
	expect(fields.map(Number)).toEqual([0, 0, 0x6558, vni]);
}

function expectMeta(row: Row, { direction, frame }: Sample, session: number): void {
	expect(row['geneve.option.class'].map(Number)).toEqual([0xff58, 0xff58, 0xff58]);
	expect(row['geneve.option.type'].map(Number)).toEqual([1, 2, 3]);
	expect(row['geneve.option.type.critical'].map(Number)).toEqual([0, 0, 0]);
	const data = row['geneve.option.unknown.data'].map((each) => Buffer.from(each, 'hex'));
	const [about, length, time] = data as [Buffer, Buffer, Buffer];
	expect(data.map((each) => each.length)).toEqual([4, 4, 8]);
	expect(about.readUInt16BE(0)).toBe(session);
	expect([about[2], about[3]]).toEqual([direction === 'tx' ? 1 : 0, 0]);
	expect(length.readUInt32BE(0)).toBe(frame.length);
	const apart = Number(time.readBigUInt64BE(0)) / 1e9 - Number(row['frame.time_epoch'][0]);
	expect(Math.abs(apart), 'seconds from the wall clock').toBeLessThan(APART_S);
}

type Expect = (row: Row, sample: Sample, number: number) => void;

const expectations: Record<keyof typeof FORMATS, Expect> = {
	gre: (row) => expectGre(row, '0x6558', '0x0000'),
	greKey: (row) => expectGre(row, '0x6558', '0x2000', '0xee6b2807'),
	greAll: (row, _, number) => expectGre(row, '0x6558', '0x3000', '0x00000007', String(number)),
	erspan1: (row) => {
		expectGre(row, '0x88be', '0x0000');
		expect(row['erspan.version']).toEqual([]);
	},
	erspan2: (row, sample, number) => {
		expectGre(row, '0x88be', '0x1000', String(number));
		expectErspan(row, 1, 1023, 3, sample);
		expect(Number(row['erspan.index'][0])).toBe(1_048_575);
	},
	erspan3: (row, sample, number) => {
		expectGre(row, '0x22eb', '0x1000', String(number));
		expectErspan(row, 2, 10, 2, sample);
		expectErspan3(row, sample, 63, 100_000);
	},
	erspan3fine: (row, sample, number) => {
		expectGre(row, '0x22eb', '0x1000', String(number));
		expectErspan(row, 2, 1, 0, sample);
		expectErspan3(row, sample, 0, 100);
	},
	vxlan: (row) => expectVxlan(row, 16_777_215),
	geneve: (row) => {
		expectGeneve(row, 42);
		expect(row['geneve.option.class']).toEqual([]);
	},
	geneveMeta: (row, sample) => {
		expectGeneve(row, 1);
		expectMeta(row, sample, 4097);
	},
};

const rows = Object.entries(FORMATS).flatMap(([name, format]) =>
	FAMILIES.map((family) => ({
		...format,
		family,
		expectFormat: expectations[name as keyof typeof FORMATS],
	})),
);

describe.each(rows)('$what over IPv$family', ({ family, expectFormat, ...format }) => {
	test('every field, and every frame as it was', async () => {
		const to = destination(format, family);
		const options = ['--ttl', String(TTL), '--dscp', String(DSCP)];
		const { frames, file } = await mirrored(samples, to, undefined, ...options);
		const originals = samples.map(({ frame }) => frame.toString('hex'));
		expect(frames.map((frame) => inner(frame, format, family))).toEqual(originals);
		for (const [number, row] of decode(file, [...OUTER, ...TUNNEL]).entries()) {
			const sample = samples[number] as Sample;
			expectOuter(row, family, format, sample, number);
			expectFormat(row, sample, number);
		}
	});
});

test('RSPAN: the remote tag is outside of all others', async () => {
	// Linux itself drops a tagged frame that has nothing behind its tag before anybody can see it.
	const visible = samples.filter(({ frame }) => frame.length > runt().length);
	const { frames, file } = await mirrored(visible, 'rspan:u0?vlan=900&priority=6', RSPAN_ONLY);
	const tag = Buffer.from([0x81, 0x00, (6 << 5) | (900 >> 8), 900 & 255]);
	const expected = visible.map(({ frame }) =>
		Buffer.concat([frame.subarray(0, 12), tag, frame.subarray(12)]).toString('hex'),
	);
	expect(frames.map((frame) => frame.toString('hex'))).toEqual(expected);
	const rows = decode(file, ['vlan.id', 'vlan.priority', 'ieee8021ad.id']);
	for (const [i, row] of rows.entries()) {
		expect([row['vlan.id'][0], row['vlan.priority'][0]].map(Number)).toEqual([900, 6]);
		const others = [...row['ieee8021ad.id'], ...row['vlan.id'].slice(1)].map(Number);
		expect(others[0]).toBe(visible[i]?.tag?.id);
	}
});
