/** Sessions in worker threads that end in every way a worker can: the process lives on. */
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { udpFrame } from '../harness/frames.ts';
import { freed, hooks, programs } from '../harness/hooks.ts';
import { Lab } from '../harness/lab.ts';
import { scene } from '../harness/scene.ts';

const ends = [
	{ how: 'terminate', says: ['gone: 1'] },
	{ how: 'exit', says: ['gone: 5'] },
	{ how: 'throw', says: ['error: of the consumer', 'gone: 1'] },
	{ how: 'close', says: ['gone: 0'] },
];
const rows = ends.flatMap((end) =>
	['frames', 'a file', 'a port'].map((sink) => ({ ...end, sink })),
);

test.each(rows)('$how while frames go to $sink', async ({ how, says, sink }) => {
	await using lab = new Lab();
	const { client, host } = scene(lab);
	const path = sink === 'a file' ? join(lab.directory(), 'out.pcapng') : sink;
	const run = host.program('worker.mjs', how, path);
	await run.says(/attached/);
	const ids = programs(hooks(host, 'h0'));
	// More than the worker waits for: it ends while frames still come.
	await Promise.race([client.send('c0', udpFrame(100), 1_000_000), run.finished]);
	await run.says(/gone: \d+/);
	await freed(ids);
	expect(hooks(host, 'h0')).toMatchObject({ rx: [], tx: [] });
	expect(run.child.exitCode).toBeNull();
	const { code, signal, stdout, stderr } = await run.stop('SIGUSR2');
	expect({ code, signal }, stderr).toEqual({ code: 42, signal: null });
	// In no order: Node brings errors and messages on different ways.
	const lines = stdout.split('\n').filter(Boolean);
	expect(lines.sort()).toEqual(['attached', 'busy', ...says].sort());
	expect(stderr).not.toMatch(/FATAL|Segmentation|abort/i);
});
