/** sFlow agents on mon0: xspan, and pmacctd with its sfprobe. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cpus } from '../lib/cpus.mjs';
import { startXspan, stopXspan } from './xspan.mjs';

export const COLLECTOR_PORT = 6399;
const COLLECTOR = `127.0.0.1:${COLLECTOR_PORT}`;
const AGENT = '192.0.2.1';

/**
 * @typedef {object} Running
 * @property {import('../lib/process.mjs').Process} process
 * @property {() => Promise<unknown>} stop
 */

/**
 * @param {import('../lib/lab.mjs').Lab} lab
 * @param {number} rate
 * @param {string} polling
 */
export async function xspanSflow(lab, rate, polling = '0') {
	const where = ['--collector', COLLECTOR, '--agent', AGENT, '--polling', polling];
	const what = ['sflow', 'mon0', '--direction', 'rx', '--sampling', `1/${rate}`];
	const process = await startXspan(lab, ...what, ...where, '--interval', '1s');
	return { process, stop: () => stopXspan(process) };
}

/**
 * @param {import('../lib/lab.mjs').Lab} lab
 * @param {number} rate
 */
export async function pmacctd(lab, rate) {
	const directory = mkdtempSync(join(tmpdir(), 'xspan-bench-pmacctd-'));
	const settings = {
		daemonize: 'false',
		pcap_interface: 'mon0',
		plugins: 'sfprobe',
		sfprobe_receiver: COLLECTOR,
		sfprobe_agentip: AGENT,
		sampling_rate: rate,
	};
	const file = join(directory, 'pmacctd.conf');
	const lines = Object.entries(settings).map(([key, value]) => `${key}: ${value}\n`);
	writeFileSync(file, lines.join(''));
	const process = lab.start('mon', ['pmacctd', '-f', file]);
	await process.says(/Sampling at/);
	process.pin(cpus.consumer);
	return {
		process,
		async stop() {
			await process.stop();
			rmSync(directory, { recursive: true });
		},
	};
}
