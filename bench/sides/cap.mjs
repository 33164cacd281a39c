/** The npm package cap, built in a directory of its own. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const INSTALL_MS = 180_000;

/** @typedef {{directory: string, version: string}} Cap */

/**
 * Installs and builds it; the directory goes when this process ends.
 * @returns {{cap: Cap} | {cap: null, why: string}}
 */
export function installCap() {
	const directory = mkdtempSync(join(tmpdir(), 'xspan-bench-cap-'));
	process.once('exit', () => rmSync(directory, { recursive: true, force: true }));
	const options = ['--no-save', '--no-audit', '--no-fund', '--loglevel=error'];
	try {
		execFileSync('npm', ['install', '--prefix', directory, ...options, 'cap'], {
			cwd: directory,
			stdio: ['ignore', 'pipe', 'pipe'],
			timeout: INSTALL_MS,
		});
		createRequire(join(directory, 'package.json'))('cap');
	} catch (error) {
		return { cap: null, why: String(error).split('\n')[0] };
	}
	const manifest = readFileSync(join(directory, 'node_modules/cap/package.json'), 'utf8');
	return { cap: { directory, version: JSON.parse(manifest).version } };
}
