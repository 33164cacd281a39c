/** Several sessions on one interface at once: each is complete, none knows of the others. */
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { udpFrame } from '../harness/frames.ts';
import { hooks } from '../harness/hooks.ts';
import { Lab } from '../harness/lab.ts';
import { observe } from '../harness/observed.ts';
import { capinfos, Listener } from '../harness/readers.ts';
import { scene } from '../harness/scene.ts';

const COUNT = 4000;

test('a mirror and two captures of the same interface', async () => {
	await using lab = new Lab();
	const { client, host, ids } = scene(lab);
	const directory = lab.directory();
	const ear = await Listener.start(ids, 'i0', join(directory, 'ids.pcap'));
	const files = ['a', 'b'].map((name) => join(directory, `${name}.pcapng`));
	const sessions = [await observe(host, 'mirror', 'h0', '--to', 'port:m0', '--direction', 'rx')];
	for (const file of files) sessions.push(await observe(host, 'capture', 'h0', '-w', file));
	expect(hooks(host, 'h0').rx).toHaveLength(3);
	await client.send('c0', udpFrame(128), COUNT);
	for (const session of sessions) {
		await session.sees(COUNT);
		const { line } = await session.stop();
		expect(line.ledger.delivered).toEqual({ frames: COUNT, bytes: COUNT * 128 });
	}
	expect(await ear.hears(COUNT)).toBe(COUNT);
	for (const file of files) expect(capinfos(file).packets).toBe(COUNT);
	expect(hooks(host, 'h0')).toMatchObject({ rx: [], tx: [] });
});

test('one session ends, the other goes on', async () => {
	await using lab = new Lab();
	const { client, host } = scene(lab);
	const directory = lab.directory();
	const first = await observe(host, 'capture', 'h0', '-w', join(directory, 'a.pcapng'));
	const second = await observe(host, 'capture', 'h0', '-w', join(directory, 'b.pcapng'));
	await client.send('c0', udpFrame(128), 100);
	await first.sees(100);
	await first.stop();
	await client.send('c0', udpFrame(128), 100);
	await second.sees(200);
	await second.stop();
	expect(capinfos(join(directory, 'a.pcapng')).packets).toBe(100);
	expect(capinfos(join(directory, 'b.pcapng')).packets).toBe(200);
});
