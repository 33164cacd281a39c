/** The load: live frames through BPF_PROG_TEST_RUN, all from one CPU, as fast as they go. */
import { cpus } from './cpus.mjs';
import { udpFrame } from './frames.mjs';

/**
 * @typedef {object} Load
 * @property {number} sent
 * @property {number} received by the observed interface
 * @property {number} ns
 * @property {number} perSecond received
 * @property {number} nsPerFrame received
 */

export class Traffic {
	#lab;
	#source;

	/** @private */
	constructor(/** @type {import('./lab.mjs').Lab} */ lab) {
		this.#lab = lab;
		this.#source = lab.program('src', 'source.mjs', 'tx0');
	}

	static async open(/** @type {import('./lab.mjs').Lab} */ lab) {
		const traffic = new Traffic(lab);
		await traffic.#source.message();
		traffic.#source.pin(cpus.traffic);
		return traffic;
	}

	/**
	 * Sends frames of a length (without FCS).
	 * @returns {Promise<Load>}
	 */
	async send(/** @type {number} */ length, /** @type {number} */ count) {
		const before = this.#lab.received('mon', 'mon0');
		const { ns } = await this.#source.ask({ frame: udpFrame(length).toString('hex'), count });
		const received = this.#lab.received('mon', 'mon0') - before;
		return {
			sent: count,
			received,
			ns,
			perSecond: (received / ns) * 1e9,
			nsPerFrame: ns / received,
		};
	}
}
