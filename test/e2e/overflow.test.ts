/** A ring that is too small: copies are lost, and every one of them is accounted for. */
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { udpFrame } from '../harness/frames.ts';
import { Lab } from '../harness/lab.ts';
import { observe } from '../harness/observed.ts';
import { blocks, capinfos, tshark } from '../harness/readers.ts';
import { scene } from '../harness/scene.ts';

const COUNT = 100_000;

test('what the ring could not hold is in the ledger, and at its place in the file', async () => {
	await using lab = new Lab();
	const { client, host } = scene(lab);
	const file = join(lab.directory(), 'out.pcapng');
	const args = ['capture', 'h0', '-w', file, '--direction', 'rx', '--buffer', '8K'];
	const session = await observe(host, ...args);
	await client.send('c0', udpFrame(200), COUNT);
	await session.sees(COUNT);
	const { line } = await session.stop();
	const { seen, delivered, lost, lost_by } = line.ledger;
	expect(seen).toEqual({ frames: COUNT, bytes: COUNT * 200 });
	expect(lost.frames).toBeGreaterThan(0);
	expect(Object.keys(lost_by)).toEqual(['ring_full']);
	expect(capinfos(file).packets).toBe(delivered.frames);
	const drops = tshark(file, ['frame.drop_count']).map((row) => Number(row[0] ?? 0));
	const counted = drops.reduce((sum, each) => sum + each, 0);
	expect(counted).toBeLessThanOrEqual(lost.frames);
});

test('the drop counts in the file add up to the ledger once every CPU has had a last frame', async () => {
	await using lab = new Lab();
	const { client, host } = scene(lab);
	const file = join(lab.directory(), 'out.pcapng');
	const args = ['capture', 'h0', '-w', file, '--direction', 'rx', '--buffer', '8K'];
	const session = await observe(host, ...args);
	await client.send('c0', udpFrame(200), COUNT);
	await session.sees(COUNT);
	await session.waits(({ ledger }) => {
		return ledger.delivered.frames + ledger.lost.frames >= COUNT;
	}, 'an empty ring');
	// What a CPU has lost is reported by its next frame.
	const cpus = host.exec('nproc').trim();
	for (let cpu = 0; cpu < Number(cpus); cpu++) await client.sendFrom(cpu, 'c0', udpFrame(200));
	await session.sees(COUNT + Number(cpus));
	const { line } = await session.stop();
	const { seen, delivered, lost } = line.ledger;
	expect(lost.frames).toBeGreaterThan(0);
	const drops = tshark(file, ['frame.drop_count']).map((row) => Number(row[0] ?? 0));
	expect(drops.reduce((sum, each) => sum + each, 0)).toBe(lost.frames);

	const prefix = 'pcapng.options.option.data.interface';
	const received = `${prefix}.received` as const;
	const dropped = `${prefix}.dropped_by_os` as const;
	const given = `${prefix}.delivered_to_user` as const;
	const statistics = blocks(file, received, dropped, given);
	expect(statistics[received].map(Number)).toEqual([seen.frames]);
	expect(statistics[dropped].map(Number)).toEqual([lost.frames]);
	expect(statistics[given].map(Number)).toEqual([delivered.frames]);
});
