/** Filter, sampling, limit and count in front of a tunnel; an update does not restart its numbers. */
import { expect, test } from 'vitest';
import { udpFrame } from '../harness/frames.ts';
import { Lab } from '../harness/lab.ts';
import { observe } from '../harness/observed.ts';
import { Collector, decode, destination, FORMATS, inner, remote } from '../harness/remote.ts';

/** Of a sender that makes each frame anew: the other one sends pages again that a tunnel has changed. */
const COUNT = 400;
const TO = destination(FORMATS.erspan3, 4);
const BOTH = ['mirror', 'h0', '--to', TO, '--direction', 'both'];

const numbers = (ear: Collector): number[] =>
	decode(ear.file, ['gre.sequence_number']).map((row) => Number(row['gre.sequence_number'][0]));

const counted = (count: number): number[] => Array.from({ length: count }, (_, number) => number);

test('--filter: what matches is numbered without a gap', async () => {
	await using lab = new Lab();
	const { client, host, collector } = remote(lab);
	const ear = await Collector.start(collector, lab);
	const session = await observe(host, ...BOTH, '--filter', 'udp dst port 53');
	for (const port of [9, 53, 10]) await client.sendSelf('c0', udpFrame(100, { port }), COUNT);
	await host.sendSelf('h0', udpFrame(101, { port: 53 }), COUNT);
	await session.sees(4 * COUNT);
	const { line } = await session.stop();
	expect(line.ledger.filtered.frames).toBe(2 * COUNT);
	expect(line.ledger.delivered).toEqual({ frames: 2 * COUNT, bytes: COUNT * 201 });
	const frames = await ear.collects(2 * COUNT);
	expect(new Set(frames.map((frame) => inner(frame, FORMATS.erspan3, 4)))).toEqual(
		new Set([100, 101].map((length) => udpFrame(length, { port: 53 }).toString('hex'))),
	);
	expect(numbers(ear)).toEqual(counted(2 * COUNT));
});

test('--sample every:4', async () => {
	await using lab = new Lab();
	const { client, host, collector } = remote(lab);
	const ear = await Collector.start(collector, lab);
	const session = await observe(host, ...BOTH, '--sample', 'every:4');
	await client.sendSelf('c0', udpFrame(100), COUNT);
	await session.sees(COUNT);
	const { line } = await session.stop();
	const copies = line.ledger.delivered.frames;
	// Each tap and CPU counts for itself.
	expect(copies).toBeGreaterThanOrEqual(COUNT / 4 - 2);
	expect(copies).toBeLessThanOrEqual(COUNT / 4);
	expect(line.ledger.sampled_out.frames).toBe(COUNT - copies);
	await ear.collects(copies);
	expect(numbers(ear)).toEqual(counted(copies));
});

test('--limit', async () => {
	await using lab = new Lab();
	const { client, host, collector } = remote(lab);
	const ear = await Collector.start(collector, lab);
	const session = await observe(host, ...BOTH, '--limit', '1pps', '--burst', '20');
	await client.sendSelf('c0', udpFrame(100), COUNT);
	await session.sees(COUNT);
	const { line } = await session.stop();
	const copies = line.ledger.delivered.frames;
	expect(copies).toBeGreaterThanOrEqual(20);
	expect(copies).toBeLessThan(40); // one more for each second that it took
	expect(line.ledger.rate_limited.frames).toBe(COUNT - copies);
	await ear.collects(copies);
});

test('--count: exactly so many leave, and the session has all of them delivered', async () => {
	await using lab = new Lab();
	const { client, host, collector } = remote(lab);
	const ear = await Collector.start(collector, lab);
	const session = await observe(host, ...BOTH, '--count', '123');
	await client.sendSelf('c0', udpFrame(100), COUNT);
	const { line } = await session.ends();
	expect(line.end).toBe('count');
	expect(line.ledger.delivered.frames).toBe(123);
	await ear.collects(123);
	expect(numbers(ear)).toEqual(counted(123));
});

test('update() of a live session: numbers go on, and both directions stay apart', async () => {
	await using lab = new Lab();
	const { client, host, collector } = remote(lab);
	const ear = await Collector.start(collector, lab);
	const run = host.program('remote-update.mjs', 'h0', TO);
	await run.says(/ready/);
	const steps: [command: string, delivered: number][] = [
		['udp dst port 9', COUNT],
		['udp dst port 10', 0],
		['', COUNT],
	];
	let expected = 0;
	for (const [filter, copies] of steps) {
		run.child.stdin?.write(`${filter}\n`);
		await run.says(new RegExp(`^updated "${filter}"$`, 'm'));
		await client.sendSelf('c0', udpFrame(100), COUNT);
		await host.sendSelf('h0', udpFrame(100), copies ? 1 : 0);
		expected += copies + (copies ? 1 : 0);
		await ear.waits(expected);
	}
	run.child.stdin?.end();
	const { stdout, code, stderr } = await run.finished;
	expect(code, stderr).toBe(0);
	const { ledger } = JSON.parse(stdout.split('\n').at(-2) as string);
	expect(ledger.delivered.frames).toBe(expected);
	expect(ledger.in_flight.frames).toBe(0);
	await ear.collects(expected);
	expect(numbers(ear)).toEqual(counted(expected));
	const sent = decode(ear.file, ['erspan.direction']).filter(
		(row) => row['erspan.direction'][0] === '1',
	);
	expect(sent).toHaveLength(2);
});
