/** A mirror to a port: an independent tcpdump behind the port counts exactly what was delivered. */
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { udpFrame } from '../harness/frames.ts';
import { Lab } from '../harness/lab.ts';
import { observe } from '../harness/observed.ts';
import { frameBytes, Listener } from '../harness/readers.ts';
import { scene } from '../harness/scene.ts';

const COUNT = 5000;
const NUMBER_AT = 46;

/** The frames that a traffic source with numbers sends. */
function numbered(frame: Buffer, count: number): string[] {
	return Array.from({ length: count }, (_, number) => {
		const copy = Buffer.from(frame);
		copy.writeBigUInt64LE(BigInt(number), NUMBER_AT);
		return copy.toString('hex');
	});
}

test('copies of received frames arrive at the port, byte for byte and in order', async () => {
	await using lab = new Lab();
	const { client, host, ids } = scene(lab);
	const ear = await Listener.start(ids, 'i0', join(lab.directory(), 'ids.pcap'));
	const session = await observe(host, 'mirror', 'h0', '--to', 'port:m0', '--direction', 'rx');
	const frame = udpFrame(100);
	await client.send('c0', frame, COUNT, NUMBER_AT);
	await session.sees(COUNT);
	const { line } = await session.stop();
	expect(line.ledger.delivered).toEqual({ frames: COUNT, bytes: COUNT * 100 });
	expect(await ear.hears(COUNT)).toBe(COUNT);
	expect(frameBytes(ear.file)).toEqual(numbered(frame, COUNT));
});

test.each([
	{ direction: 'rx', received: 1000, sent: 0 },
	{ direction: 'tx', received: 0, sent: 500 },
	{ direction: 'both', received: 1000, sent: 500 },
])('--direction $direction takes $received received and $sent sent frames', async (row) => {
	await using lab = new Lab();
	const { client, host, ids } = scene(lab);
	const ear = await Listener.start(ids, 'i0', join(lab.directory(), 'ids.pcap'));
	const args = ['mirror', 'h0', '--to', 'port:m0', '--direction', row.direction];
	const session = await observe(host, ...args);
	await client.send('c0', udpFrame(200), 1000);
	await host.sendSelf('h0', udpFrame(300), 500);
	await session.sees(row.received + row.sent);
	const { line } = await session.stop();
	const total = row.received + row.sent;
	const bytes = row.received * 200 + row.sent * 300;
	expect(line.ledger.delivered).toEqual({ frames: total, bytes });
	expect(await ear.hears(total)).toBe(total);
	const heard = frameBytes(ear.file);
	const hex = (length: number) => udpFrame(length).toString('hex');
	expect(heard.filter((each) => each === hex(200))).toHaveLength(row.received);
	expect(heard.filter((each) => each === hex(300))).toHaveLength(row.sent);
});

test('--count ends the session after exactly so many copies', async () => {
	await using lab = new Lab();
	const { client, host, ids } = scene(lab);
	const ear = await Listener.start(ids, 'i0', join(lab.directory(), 'ids.pcap'));
	const args = ['mirror', 'h0', '--to', 'port:m0', '--direction', 'rx', '--count', '1234'];
	const session = await observe(host, ...args);
	await client.send('c0', udpFrame(64), COUNT);
	const { line } = await session.ends();
	expect(line.end).toBe('count');
	expect(line.ledger.seen.frames).toBe(1234);
	expect(line.ledger.delivered.frames).toBe(1234);
	expect(await ear.hears(1234)).toBe(1234);
});

test('--duration ends the session, --name names it', async () => {
	await using lab = new Lab();
	const { host } = scene(lab);
	const args = ['mirror', 'h0', '--to', 'port:m0', '--duration', '300ms', '--name', 'lab'];
	const session = await observe(host, ...args);
	const { line } = await session.ends();
	expect(line.end).toBe('duration');
	expect(line.session).toBe('lab');
});

test('two sources share a port, and each has a ledger', async () => {
	await using lab = new Lab();
	const { client, host, ids } = scene(lab);
	const other = lab.host('other');
	lab.wire(other, 'o0', host, 'h1');
	const ear = await Listener.start(ids, 'i0', join(lab.directory(), 'ids.pcap'));
	const args = ['mirror', 'h0', 'h1', '--to', 'port:m0', '--direction', 'rx'];
	const session = await observe(host, ...args);
	await client.send('c0', udpFrame(80), 700);
	await other.sendSelf('o0', udpFrame(90), 300);
	await session.sees(1000);
	const { line } = await session.stop();
	const delivered = line.taps.map((tap) => [tap.source, tap.ledger.delivered.frames]);
	expect(delivered).toEqual([
		['h0', 700],
		['h1', 300],
	]);
	expect(await ear.hears(1000)).toBe(1000);
});
