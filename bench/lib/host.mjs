/** What figures depend on: kernel, CPU, versions. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import os from 'node:os';
import { join } from 'node:path';
import { root } from './lab.mjs';

/** The first line that a command prints about itself. */
function firstLine(/** @type {string} */ command, /** @type {string[]} */ ...args) {
	const text = execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
	return text.split('\n')[0];
}

export function describeHost() {
	const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
	return {
		kernel: os.release(),
		cpu: os.cpus()[0]?.model ?? os.arch(),
		cpus: os.cpus().length,
		loadAverage: os.loadavg(),
		memory: os.totalmem(),
		versions: {
			xspan: version,
			commit: firstLine('git', '-C', root, 'describe', '--always', '--dirty'),
			node: process.version,
			tcpdump: firstLine('tcpdump', '--version'),
			dumpcap: firstLine('dumpcap', '--version'),
			tc: firstLine('tc', '-V'),
		},
	};
}
