/** A bulk TCP transfer with GSO and GRO: what was captured is what was sent, segment for segment. */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { Lab } from '../harness/lab.ts';
import { observe } from '../harness/observed.ts';
import { capinfos, tshark } from '../harness/readers.ts';
import { addresses, HOST_IP, scene } from '../harness/scene.ts';

const BYTES = 6_000_000;
const PORT = 5001;
/** Payload of a full segment: MTU 1500 without IPv4 and TCP headers and the timestamp option. */
const SEGMENT = 1448;
const CHECKSUM_NOT_READY = 1 << 9;
const SEGMENTATION = 1 << 11;

const FIELDS = [
	'tcp.dstport',
	'tcp.seq',
	'tcp.len',
	'tcp.payload',
	'frame.len',
	'frame.packet_flags',
	'frame.packet_flags_direction',
];

interface Captured {
	toServer: boolean;
	seq: number;
	length: number;
	payload: string;
	wire: number;
	flags: number;
	sent: boolean;
}

function read(file: string): Captured[] {
	const options = ['-o', 'tcp.desegment_tcp_streams:FALSE'];
	return tshark(file, FIELDS, ...options).map(
		([port, seq, length, payload, wire, flags, direction]) => ({
			toServer: Number(port) === PORT,
			seq: Number(seq),
			length: Number(length),
			payload: payload as string,
			wire: Number(wire),
			flags: Number(flags),
			sent: Number(direction) === 2,
		}),
	);
}

/** Puts the payloads where their sequence numbers say, and hashes the stream. */
function reassemble(frames: Captured[]): string {
	const stream = Buffer.alloc(BYTES);
	let filled = 0;
	for (const { seq, length, payload } of frames.filter((frame) => frame.length > 0)) {
		const bytes = Buffer.from(payload.replaceAll(':', ''), 'hex');
		expect(bytes).toHaveLength(length);
		bytes.copy(stream, seq - 1);
		filled += length;
	}
	expect(filled).toBeGreaterThanOrEqual(BYTES);
	return createHash('sha256').update(stream).digest('hex');
}

const segments = (frame: Captured): number => Math.max(1, Math.ceil(frame.length / SEGMENT));

test('a transfer in each direction is captured whole, and counted in segments', async () => {
	await using lab = new Lab();
	const set = scene(lab);
	addresses(set);
	const { client, host } = set;
	const file = join(lab.directory(), 'tcp.pcapng');
	const session = await observe(host, 'capture', 'h0', '-w', file, '--buffer', '256M');
	const server = host.program('transfer.mjs', 'serve', String(PORT));
	await server.says(/listening/);
	const sender = client.program('transfer.mjs', 'send', HOST_IP, String(PORT), String(BYTES));
	const there = JSON.parse((await sender.finished).stdout) as { sent: string; received: string };
	const here = (await server.finished).stdout.split('\n')[1] as string;
	expect(JSON.parse(here)).toEqual({ sent: there.received, received: there.sent });
	const { line } = await session.stop();
	expect(line.ledger.lost.frames).toBe(0);

	const frames = read(file);
	expect(capinfos(file).strictTimeOrder).toBe(true);
	expect(reassemble(frames.filter((frame) => frame.toServer))).toBe(there.sent);
	expect(reassemble(frames.filter((frame) => !frame.toServer))).toBe(there.received);

	const large = frames.filter((frame) => frame.length > SEGMENT);
	expect(large.filter((frame) => frame.sent).length).toBeGreaterThan(10);
	expect(large.filter((frame) => !frame.sent).length).toBeGreaterThan(10);
	expect(large.filter((frame) => !(frame.flags & SEGMENTATION))).toEqual([]);
	const small = frames.filter((frame) => frame.length <= SEGMENT);
	expect(small.filter((frame) => frame.flags & SEGMENTATION)).toEqual([]);
	const local = frames.filter((frame) => frame.sent && frame.length > 0);
	expect(local.filter((frame) => !(frame.flags & CHECKSUM_NOT_READY))).toEqual([]);

	for (const tap of line.taps) {
		const own = frames.filter((frame) => frame.sent === (tap.direction === 'tx'));
		const sum = own.reduce((total, frame) => total + segments(frame), 0);
		const bytes = own.reduce((total, frame) => total + frame.wire, 0);
		expect(tap.ledger.delivered, tap.direction).toEqual({ frames: sum, bytes });
	}
});
