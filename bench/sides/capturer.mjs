/**
 * What captures: xspan or a peer.
 *
 * @typedef {object} Captured
 * @property {number} captured frames written, by its own account
 * @property {number} lost frames, by its own account
 * @property {object} [ledger] xspan's
 *
 * @typedef {object} Running
 * @property {import('../lib/process.mjs').Process} process
 * @property {() => Promise<Captured>} stop
 *
 * @typedef {object} Capturer
 * @property {string} name
 * @property {(lab: import('../lib/lab.mjs').Lab) => Promise<Running>} start resolves once it captures
 */
import { cpus } from '../lib/cpus.mjs';
import { sleep } from '../lib/wait.mjs';

/** Lets a capturer write what it has: otherwise what is on its way would count as lost. */
const SETTLE_MS = 300;

/**
 * Captures one load.
 * @param {import('../lib/lab.mjs').Lab} lab
 * @param {Capturer} capturer
 * @param {() => Promise<import('../lib/traffic.mjs').Load>} load
 */
export async function captureLoad(lab, capturer, load) {
	const running = await capturer.start(lab);
	const sent = await load();
	await sleep(SETTLE_MS);
	return { ...sent, ...(await running.stop()) };
}

/**
 * A peer that is a command: how it says that it captures, and what it says at its end.
 * @param {string[]} command
 * @param {RegExp} ready
 * @param {(text: string) => Captured} read
 * @returns {Capturer}
 */
export function peer(command, ready, read) {
	return {
		name: command[0],
		async start(lab) {
			const started = lab.start('mon', command);
			await started.says(ready);
			started.pin(cpus.consumer);
			return {
				process: started,
				async stop() {
					await started.stop();
					return read(started.stderr);
				},
			};
		},
	};
}

/** A number in a text, or an error that shows the text. */
export function numberIn(/** @type {string} */ text, /** @type {RegExp} */ pattern) {
	const match = pattern.exec(text);
	if (!match) throw new Error(`no ${pattern} in: ${text}`);
	return Number(match[1]);
}
