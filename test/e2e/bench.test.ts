/** The rows of the benchmark that are closest to the code: that they still run, not what they say. */
import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { root } from '../harness/testkit.ts';

test.each(['sample'])('row %s', (row) => {
	const args = ['bench/run.mjs', row, '--quick', '--pairs', '1'];
	const { status, stdout, stderr } = spawnSync(process.execPath, args, {
		cwd: root,
		encoding: 'utf8',
	});
	expect(status, stderr).toBe(0);
	expect(stdout).toMatch(/passes over, at tcx/);
});
