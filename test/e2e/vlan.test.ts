/** The kernel takes VLAN tags out of frames; captures and mirrors have them where they were. */
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type Tag, udpFrame } from '../harness/frames.ts';
import { Lab } from '../harness/lab.ts';
import { observe } from '../harness/observed.ts';
import { frameBytes, Listener, tshark } from '../harness/readers.ts';
import { scene } from '../harness/scene.ts';

const COUNT = 50;

const kinds: { what: string; tags: Tag[]; ids: string }[] = [
	{ what: '802.1Q', tags: [{ id: 42, priority: 5 }], ids: '42' },
	{ what: '802.1ad', tags: [{ protocol: 0x88a8, id: 7 }], ids: '7' },
	{ what: 'QinQ', tags: [{ protocol: 0x88a8, id: 100 }, { id: 200 }], ids: '100,200' },
	{ what: 'two 802.1Q', tags: [{ id: 11 }, { id: 12 }], ids: '11,12' },
];

const hookRows = kinds.flatMap((kind) =>
	['tcx', 'clsact', 'xdp'].map((hook) => ({ ...kind, hook })),
);

test.each(hookRows)('$what captured at $hook', async ({ tags, hook, ids }) => {
	await using lab = new Lab();
	const { client, host } = scene(lab);
	const file = join(lab.directory(), 'out.pcapng');
	const args = ['capture', 'h0', '-w', file, '--hook', hook, '--direction', 'rx'];
	const session = await observe(host, ...args, '-c', String(COUNT));
	const frame = udpFrame(200, { tags });
	await client.send('c0', frame, COUNT);
	const { line } = await session.ends();
	expect(line.ledger.delivered).toEqual({ frames: COUNT, bytes: COUNT * frame.length });
	expect(frameBytes(file)).toEqual(Array(COUNT).fill(frame.toString('hex')));
	const read = tshark(file, ['vlan.id', 'ieee8021ad.id', 'udp.dstport']);
	for (const [inner, outer, port] of read) {
		expect([outer, inner].filter(Boolean).join(',')).toBe(ids);
		expect(port).toBe('9');
	}
});

test.each(kinds)('$what sent by the host itself', async ({ tags }) => {
	await using lab = new Lab();
	const { host } = scene(lab);
	const file = join(lab.directory(), 'out.pcapng');
	const args = ['capture', 'h0', '-w', file, '--direction', 'tx', '-c', String(COUNT)];
	const session = await observe(host, ...args);
	const frame = udpFrame(200, { tags });
	await host.sendSelf('h0', frame, COUNT);
	await session.ends();
	expect(frameBytes(file)).toEqual(Array(COUNT).fill(frame.toString('hex')));
});

test.each(kinds)('$what mirrored to a port', async ({ tags }) => {
	await using lab = new Lab();
	const { client, host, ids } = scene(lab);
	const ear = await Listener.start(ids, 'i0', join(lab.directory(), 'ids.pcap'));
	const args = ['mirror', 'h0', '--to', 'port:m0', '--direction', 'rx', '-c', String(COUNT)];
	const session = await observe(host, ...args);
	const frame = udpFrame(200, { tags });
	await client.send('c0', frame, COUNT);
	const { line } = await session.ends();
	expect(line.ledger.delivered.bytes).toBe(COUNT * frame.length);
	expect(await ear.hears(COUNT)).toBe(COUNT);
	expect(frameBytes(ear.file)).toEqual(Array(COUNT).fill(frame.toString('hex')));
});

test('a snaplen that ends inside the frame keeps the tag', async () => {
	await using lab = new Lab();
	const { client, host } = scene(lab);
	const file = join(lab.directory(), 'out.pcapng');
	const args = ['capture', 'h0', '-w', file, '-s', '64', '--direction', 'rx', '-c', '5'];
	const session = await observe(host, ...args);
	const frame = udpFrame(200, { tags: [{ id: 42 }] });
	await client.send('c0', frame, 5);
	await session.ends();
	expect(frameBytes(file)).toEqual(Array(5).fill(frame.subarray(0, 64).toString('hex')));
	expect(tshark(file, ['frame.len'])).toEqual(Array(5).fill(['204']));
});
