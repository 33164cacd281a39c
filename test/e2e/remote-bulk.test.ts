/** TCP in both directions, mirrored to a tunnel: it arrives segment for segment, in order, unfragmented. */
import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { udpFrame } from '../harness/frames.ts';
import { Lab } from '../harness/lab.ts';
import { observe } from '../harness/observed.ts';
import {
	COLLECTOR,
	Collector,
	type Decoded,
	decode,
	FORMATS,
	inner,
	monitoredAddresses,
	remote,
} from '../harness/remote.ts';
import { HOST_IP } from '../harness/scene.ts';
import { root } from '../harness/testkit.ts';

const BYTES = 3_000_000;
const PORT = 5001;
/** Payload of a full segment: MTU 1500 without IPv4 and TCP headers and the timestamp option. */
const SEGMENT = 1448;
/** What takes a frame of 1514 bytes, a tag and the longest header in front of it. */
const UPLINK_MTU = 1600;
const GOOD = '1';

const FIELDS = [
	'ip.flags.mf',
	'ip.frag_offset',
	'ip.checksum.status',
	'udp.checksum.status',
	'gre.sequence_number',
	'erspan.direction',
	'erspan.truncated',
	'tcp.dstport',
	'tcp.seq',
	'tcp.len',
	'tcp.payload',
	'tcp.checksum.status',
] as const;

interface Segment {
	toServer: boolean;
	seq: number;
	payload: string;
}

const segmentOf = (row: Decoded<(typeof FIELDS)[number]>): Segment => ({
	toServer: row['tcp.dstport'][0] === String(PORT),
	seq: Number(row['tcp.seq'][0]),
	payload: row['tcp.payload'].join(''),
});

/** Puts the payloads where their sequence numbers say, and hashes the stream. */
function reassemble(segments: Segment[]): string {
	const stream = Buffer.alloc(BYTES);
	const covered = new Uint8Array(BYTES);
	for (const { seq, payload } of segments) {
		const bytes = Buffer.from(payload, 'hex');
		bytes.copy(stream, seq - 1);
		covered.fill(1, seq - 1, seq - 1 + bytes.length);
	}
	expect(covered.indexOf(0), 'no byte is missing').toBe(-1);
	return createHash('sha256').update(stream).digest('hex');
}

const { vxlan, erspan3, greAll } = FORMATS;
const rows = [
	{ ...vxlan, family: 4 as const, isNumbered: false },
	{ ...vxlan, family: 6 as const, isNumbered: false },
	{ ...erspan3, family: 4 as const, isNumbered: true },
	{ ...greAll, family: 6 as const, isNumbered: true },
];

test.each(rows)(
	'a transfer in each direction arrives whole: $what over IPv$family',
	async (row) => {
		await using lab = new Lab();
		const all = remote(lab, { uplinkMtu: UPLINK_MTU });
		monitoredAddresses(all);
		const { client, host, collector } = all;
		const ear = await Collector.start(collector, lab);
		const wire = await Collector.leaving(host, lab);
		const session = await observe(host, 'mirror', 'h0', '--to', row.to(COLLECTOR[row.family]));
		const server = host.program('transfer.mjs', 'serve', String(PORT));
		await server.says(/listening/);
		const sender = client.program('transfer.mjs', 'send', HOST_IP, String(PORT), String(BYTES));
		const there = JSON.parse((await sender.finished).stdout) as { sent: string; received: string };
		await server.finished;
		const { line } = await session.stop();
		expect(line.ledger.lost_by).toEqual({});
		expect(line.mirror_port?.truncated.frames).toBe(0);
		const frames = await ear.collects(line.ledger.delivered.frames);
		const refused = line.ledger.lost_by['uplink_queue']?.frames ?? 0;
		await wire.collects(line.ledger.delivered.frames + refused);

		const longest = Math.max(...frames.map((frame) => inner(frame, row, row.family).length / 2));
		expect(longest, 'no super-frame leaves').toBe(14 + 52 + SEGMENT);
		const decoded = decode(ear.file, FIELDS, '-o', 'tcp.desegment_tcp_streams:FALSE');
		for (const each of decoded) {
			expect([...each['ip.flags.mf'], ...each['ip.frag_offset']].filter((x) => x !== '0')).toEqual(
				[],
			);
			expect(each['ip.checksum.status'].filter((status) => status !== GOOD)).toEqual([]);
			expect(each['tcp.checksum.status']).toEqual([GOOD]);
			if (row.family === 6)
				expect(each['udp.checksum.status'].filter((x) => x !== GOOD)).toEqual([]);
		}
		if (row.isNumbered) expect(numbersOf(wire)).toEqual(decoded.map((_, number) => number));
		if (row.protocol === 'erspan')
			for (const each of decoded) {
				const isSent = each['tcp.dstport'][0] !== String(PORT);
				expect([each['erspan.direction'][0], each['erspan.truncated'][0]].map(Number)).toEqual([
					isSent ? 1 : 0,
					0,
				]);
			}
		const segments = decoded.map(segmentOf).filter((each) => each.payload);
		expect(reassemble(segments.filter((each) => each.toServer))).toBe(there.sent);
		expect(reassemble(segments.filter((each) => !each.toServer))).toBe(there.received);
	},
);

const numbersOf = ({ file }: Collector): number[] =>
	decode(file, ['gre.sequence_number']).map((each) => Number(each['gre.sequence_number'][0]));

const SUPER = 20_000;

/** What super-frame.py sends. */
const superPayload = Buffer.from(Array.from({ length: SUPER }, (_, i) => i % 251));

test.each(
	[erspan3, vxlan, FORMATS.geneveMeta].flatMap((format) =>
		[0, 42].map((vlan) => ({ ...format, vlan })),
	),
)('super-frames with tag $vlan are cut with their tag: $what', async ({ vlan, ...format }) => {
	await using lab = new Lab();
	const { client, host, collector } = remote(lab, { uplinkMtu: UPLINK_MTU });
	const ear = await Collector.start(collector, lab);
	const session = await observe(host, 'mirror', 'h0', '--to', format.to(COLLECTOR[6]));
	const each = Math.ceil(SUPER / SEGMENT);
	const send = (from: typeof host, name: string) =>
		from.exec(
			'python3',
			`${root}/test/harness/programs/super-frame.py`,
			...[name, String(vlan), String(SUPER), String(SEGMENT)],
		);
	send(client, 'c0');
	await session.sees(each);
	send(host, 'h0');
	await session.sees(2 * each);
	const { line } = await session.stop();
	const bytes = 2 * (each * (vlan ? 58 : 54) + SUPER);
	expect(line.ledger.delivered).toEqual({ frames: 2 * each, bytes });
	expect(line.mirror_port?.truncated.frames).toBe(0);
	await ear.collects(2 * each);
	const fields = [...FIELDS, 'vlan.id', 'erspan.vlan', 'geneve.option.unknown.data'] as const;
	const decoded = decode(ear.file, fields, '-o', 'tcp.relative_sequence_numbers:FALSE');
	for (const [i, row] of decoded.entries()) {
		expect(row['vlan.id']).toEqual(vlan ? [String(vlan)] : []);
		expect([row['tcp.checksum.status'], row['ip.checksum.status']]).toEqual([[GOOD], [GOOD]]);
		const at = (i % each) * SEGMENT;
		expect(Number(row['tcp.seq'][0])).toBe(1000 + at);
		expect(row['tcp.payload'].join('')).toBe(
			superPayload.subarray(at, at + SEGMENT).toString('hex'),
		);
		const isSent = i >= each ? 1 : 0;
		if (format.protocol === 'erspan')
			expect([row['erspan.vlan'][0], row['erspan.direction'][0]].map(Number)).toEqual([
				vlan,
				isSent,
			]);
		const [about] = row['geneve.option.unknown.data'];
		if (about !== undefined) expect(Number.parseInt(about.slice(4, 6), 16)).toBe(isSent);
	}
});

const EACH = 3000;
/** Behind Ethernet, IPv4 and UDP. */
const NUMBER_AT = 42;

test('numbers of an ERSPAN session keep their order and do not repeat on several CPUs', async () => {
	await using lab = new Lab();
	const { client, host, collector } = remote(lab);
	const ear = await Collector.start(collector, lab);
	const wire = await Collector.leaving(host, lab);
	const to = FORMATS.erspan3.to(COLLECTOR[4]);
	const session = await observe(host, 'mirror', 'h0', '--to', to);
	const frame = udpFrame(100).toString('hex');
	const send = (from: typeof host, name: string, cpu: number) => {
		const program = `${root}/test/harness/programs/raw-send.py`;
		const args = ['python3', program, name, frame, String(EACH), String(NUMBER_AT)];
		return from.spawn('taskset', ['-c', String(cpu), ...args]).finished;
	};
	const senders = [send(client, 'c0', 0), send(host, 'h0', 1), send(host, 'h0', 0)];
	for (const { code, stderr } of await Promise.all(senders)) expect(code, stderr).toBe(0);
	await session.sees(3 * EACH);
	const { line } = await session.stop();
	// Three CPU hogs may outrun the queue in front of the numbering, which leaves no gap, and the
	// uplink behind it, which does.
	const frames = await ear.collects(line.ledger.delivered.frames);
	const decoded = decode(ear.file, ['erspan.direction']);
	const refused = line.ledger.lost_by['uplink_queue']?.frames ?? 0;
	await wire.collects(line.ledger.delivered.frames + refused);
	const numbers = numbersOf(wire);
	expect(numbers).toEqual([...new Set(numbers)].sort((a, b) => a - b));
	const gaps = (numbers.at(-1) as number) + 1 - frames.length;
	expect(gaps).toBeLessThanOrEqual(refused);
	for (const direction of [0, 1]) {
		const taps = line.taps.filter((tap) => tap.direction === (direction ? 'tx' : 'rx'));
		const own = decoded.filter((each) => Number(each['erspan.direction'][0]) === direction);
		expect(taps[0]?.ledger.seen.frames).toBe(direction ? 2 * EACH : EACH);
		expect(own.length).toBeGreaterThan(0);
	}
});
