/** The XDP hook: native on veth, frames of many pages, sent frames at tcx. */
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { udpFrame } from '../harness/frames.ts';
import { freed, hooks, programs } from '../harness/hooks.ts';
import { Lab } from '../harness/lab.ts';
import { observe } from '../harness/observed.ts';
import { frameBytes, Listener } from '../harness/readers.ts';
import { scene } from '../harness/scene.ts';

const COUNT = 1000;

test('received frames at XDP, sent frames at tcx, and a note about it', async () => {
	await using lab = new Lab();
	const { client, host } = scene(lab);
	const file = join(lab.directory(), 'out.pcapng');
	const session = await observe(host, 'capture', 'h0', '-w', file, '--hook', 'xdp');
	const during = hooks(host, 'h0');
	expect(during.xdp).not.toBeNull();
	expect(during).toMatchObject({ rx: [], tx: [expect.any(Number)] });
	await client.send('c0', udpFrame(100), COUNT);
	await host.sendSelf('h0', udpFrame(200), COUNT);
	await session.sees(2 * COUNT);
	const { finished, line } = await session.stop();
	const taps = line.taps.map((tap) => [tap.direction, tap.hook, tap.ledger.delivered.frames]);
	expect(taps).toEqual([
		['rx', 'xdp', COUNT],
		['tx', 'tcx', COUNT],
	]);
	expect(finished.stderr).toMatch(/XDP sees received frames only/);
	await freed(programs(during));
	expect(hooks(host, 'h0')).toMatchObject({ xdp: null, rx: [], tx: [] });
});

test.each(['xdp', 'tcx'])('frames of 9000 bytes are captured whole at %s', async (hook) => {
	await using lab = new Lab();
	const { client, host } = scene(lab, 9000);
	const file = join(lab.directory(), 'out.pcapng');
	const args = ['capture', 'h0', '-w', file, '--hook', hook, '--direction', 'rx', '-c', '100'];
	const session = await observe(host, ...args);
	const frame = udpFrame(9014);
	for (let i = 0; i < frame.length - 60; i++) frame[60 + i] = i & 0xff;
	await client.sendSelf('c0', frame, 100);
	const { line } = await session.ends();
	expect(line.ledger.delivered).toEqual({ frames: 100, bytes: 100 * 9014 });
	expect(frameBytes(file)).toEqual(Array(100).fill(frame.toString('hex')));
});

test('frames of 9000 bytes are mirrored whole', async () => {
	await using lab = new Lab();
	const { client, host, ids } = scene(lab, 9000);
	const ear = await Listener.start(ids, 'i0', join(lab.directory(), 'ids.pcap'));
	const args = ['mirror', 'h0', '--to', 'port:m0', '--direction', 'rx', '-c', '100'];
	const session = await observe(host, ...args);
	await client.sendSelf('c0', udpFrame(9014), 100);
	await session.ends();
	expect(await ear.hears(100)).toBe(100);
	expect(frameBytes(ear.file)).toEqual(Array(100).fill(udpFrame(9014).toString('hex')));
});

test('where the driver has no native XDP, generic XDP is used with a note', async () => {
	await using lab = new Lab();
	const { client, host } = scene(lab);
	host.ip('link', 'add', 'br0', 'address', '02:00:00:00:00:0b', 'type', 'bridge');
	host.ip('link', 'set', 'h0', 'master', 'br0');
	host.ip('link', 'set', 'br0', 'up');
	const file = join(lab.directory(), 'out.pcapng');
	const args = ['capture', 'br0', '-w', file, '--hook', 'xdp', '--direction', 'rx', '-c', '50'];
	const session = await observe(host, ...args);
	await client.send('c0', udpFrame(100), 50);
	const { finished, line } = await session.ends();
	expect(line.taps[0]?.hook).toBe('xdp-generic');
	expect(finished.stderr).toMatch(/no native XDP/);
	expect(line.ledger.delivered.frames).toBe(50);
});
