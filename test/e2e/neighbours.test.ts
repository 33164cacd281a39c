/** Somebody else's tcx program on the same interface runs before, beside and after a session. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { udpFrame } from '../harness/frames.ts';
import { hooks } from '../harness/hooks.ts';
import { Lab } from '../harness/lab.ts';
import { observe } from '../harness/observed.ts';
import { scene } from '../harness/scene.ts';

const COUNT = 1000;

/** How often a program has run since statistics are on. */
function runs(id: number): number {
	const { stdout } = spawnSync('bpftool', ['--json', 'prog', 'show', 'id', String(id)]);
	return JSON.parse(stdout.toString()).run_cnt ?? 0;
}

test.each([
	{ what: 'mirror', args: ['--to', 'port:m0'] },
	{ what: 'capture', args: ['-w'] },
])('a $what beside another program at tcx', async ({ what, args }) => {
	await using lab = new Lab();
	const { client, host } = scene(lab);
	await host.spawn('python3', ['test/harness/programs/run-statistics.py']).says(/on/);
	await host.program('bystander.mjs', 'rx', 'h0').says(/attached/);
	const [other] = hooks(host, 'h0').rx as [number];
	const file = what === 'capture' ? [join(lab.directory(), 'out.pcapng')] : [];
	const session = await observe(host, what, 'h0', ...args, ...file, '--direction', 'rx');
	expect(hooks(host, 'h0').rx).toHaveLength(2);
	expect(hooks(host, 'h0').rx).toContain(other);
	await client.send('c0', udpFrame(100), COUNT);
	await session.sees(COUNT);
	const { line } = await session.stop();
	expect(line.ledger.delivered.frames).toBe(COUNT);
	expect(runs(other)).toBe(COUNT);
	expect(hooks(host, 'h0').rx).toEqual([other]);
});
