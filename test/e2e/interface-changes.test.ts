/** Interfaces that go and come under a session. */
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { udpFrame } from '../harness/frames.ts';
import { hooks } from '../harness/hooks.ts';
import { Lab } from '../harness/lab.ts';
import { observe } from '../harness/observed.ts';
import { capinfos, Listener } from '../harness/readers.ts';
import { cable, scene } from '../harness/scene.ts';

const RX = ['--direction', 'rx'];

test.each([
	{ what: 'mirror', args: ['--to', 'port:m0'] },
	{ what: 'capture', args: [] },
])('a source of a $what is deleted: its tap ends, the other goes on', async ({ what, args }) => {
	await using lab = new Lab();
	const { client, host } = scene(lab);
	const other = lab.host('other');
	cable(other, 'o0', host, 'h1', lab);
	const file = join(lab.directory(), 'out.pcapng');
	const out = what === 'capture' ? ['-w', file] : args;
	const session = await observe(host, what, 'h0', 'h1', ...out, ...RX);
	await client.send('c0', udpFrame(100), 300);
	await other.send('o0', udpFrame(100), 200);
	await session.sees(500);
	host.ip('link', 'del', 'h1');
	await session.run.says(/h1 is gone/);
	await session.waits((line) => line.taps.some((tap) => tap.ended), 'an ended tap');
	await client.send('c0', udpFrame(100), 300);
	await session.sees(800);
	const { line } = await session.stop();
	const taps = line.taps.map((tap) => [tap.source, tap.ended, tap.ledger.delivered.frames]);
	expect(taps).toEqual([
		['h0', false, 600],
		['h1', true, 200],
	]);
	if (what === 'capture') expect(capinfos(file).packets).toBe(800);
	expect(hooks(host, 'h0')).toMatchObject({ rx: [], tx: [] });
});

test('all sources are deleted: the session ends with 8, and its file is whole', async () => {
	await using lab = new Lab();
	const { client, host } = scene(lab);
	const file = join(lab.directory(), 'out.pcapng');
	const session = await observe(host, 'capture', 'h0', '-w', file, ...RX);
	await client.send('c0', udpFrame(100), 300);
	await session.sees(300);
	host.ip('link', 'del', 'h0');
	const { line } = await session.ends(8);
	expect(line.end).toBe('sources_gone');
	expect(line.ledger.delivered.frames).toBe(300);
	expect(capinfos(file).packets).toBe(300);
});

test('the destination is deleted: the session ends with 8 and keeps its counts', async () => {
	await using lab = new Lab();
	const { client, host } = scene(lab);
	const session = await observe(host, 'mirror', 'h0', '--to', 'port:m0', ...RX);
	await client.send('c0', udpFrame(100), 300);
	await session.sees(300);
	host.ip('link', 'del', 'm0');
	const { line } = await session.ends(8);
	expect(line.end).toBe('destination_gone');
	expect(line.ledger.delivered.frames).toBe(300);
	expect(hooks(host, 'h0')).toMatchObject({ rx: [], tx: [] });
});

test.each(['tcx', 'clsact', 'xdp'])('a source goes down and up again (%s)', async (hook) => {
	await using lab = new Lab();
	const { client, host } = scene(lab);
	const file = join(lab.directory(), 'out.pcapng');
	const session = await observe(host, 'capture', 'h0', '-w', file, '--hook', hook, ...RX);
	await client.send('c0', udpFrame(100), 100);
	await session.sees(100);
	host.ip('link', 'set', 'h0', 'down');
	host.ip('link', 'set', 'h0', 'up');
	await client.send('c0', udpFrame(100), 100);
	await session.sees(200);
	const { line } = await session.stop();
	expect(line.ledger.delivered.frames).toBe(200);
	expect(capinfos(file).packets).toBe(200);
});

test('a source that is down when the session starts is seen when it comes up', async () => {
	await using lab = new Lab();
	const { client, host } = scene(lab);
	host.ip('link', 'set', 'h0', 'down');
	const session = await observe(host, 'mirror', 'h0', '--to', 'port:m0', ...RX);
	expect(session.run.stderr).toMatch(/h0 is down/);
	host.ip('link', 'set', 'h0', 'up');
	await client.send('c0', udpFrame(100), 100);
	await session.sees(100);
	const { line } = await session.stop();
	expect(line.ledger.delivered.frames).toBe(100);
});

test('the destination goes down: copies are lost and counted; up again: delivered', async () => {
	await using lab = new Lab();
	const { client, host, ids } = scene(lab);
	const ear = await Listener.start(ids, 'i0', join(lab.directory(), 'ids.pcap'));
	const session = await observe(host, 'mirror', 'h0', '--to', 'port:m0', ...RX);
	await client.send('c0', udpFrame(100), 100);
	await session.sees(100);
	host.ip('link', 'set', 'm0', 'down');
	await session.run.says(/m0 went down/);
	await client.send('c0', udpFrame(100), 100);
	await session.sees(200);
	host.ip('link', 'set', 'm0', 'up');
	await session.run.says(/m0 is up again/);
	await client.send('c0', udpFrame(100), 100);
	await session.sees(300);
	const { line } = await session.stop();
	expect(line.ledger.delivered.frames).toBe(200);
	expect(line.ledger.lost_by).toEqual({ port_down: { frames: 100, bytes: 10_000 } });
	expect(await ear.hears(200)).toBe(200);
});
