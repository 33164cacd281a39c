/** sFlow agents on mon0: xspan, and pmacctd with its sfprobe. Nobody collects. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cpus } from '../lib/cpus.mjs';
import { startXspan, stopXspan } from './xspan.mjs';

const COLLECTOR = '127.0.0.1:6399';
const AGENT = '192.0.2.1';

/** @param {import('../lib/lab.mjs').Lab} lab */
export async function xspanSflow(lab, /** @type {number} */ rate) {
	const where = ['--collector', COLLECTOR, '--agent', AGENT, '--polling', '0'];
	const args = ['sflow', 'mon0', '--direction', 'rx', '--sampling', `1/${rate}`, ...where];
	const session = await startXspan(lab, ...args);
	return { stop: () => stopXspan(session) };
}

/** @param {import('../lib/lab.mjs').Lab} lab */
export async function pmacctd(lab, /** @type {number} */ rate) {
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
	const started = lab.start('mon', ['pmacctd', '-f', file]);
	await started.says(/Sampling at/);
	started.pin(cpus.consumer);
	return {
		async stop() {
			await started.stop();
			rmSync(directory, { recursive: true });
		},
	};
}
