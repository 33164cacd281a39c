/** With --soak: an sFlow agent over a long time. Its memory, and whether a collector misses anything. */
import { cpus } from '../lib/cpus.mjs';
import { mebibytes, millions } from '../lib/format.mjs';
import { FLAT_BYTES, growth, residentBytes } from '../lib/memory.mjs';
import { sendPaced } from '../lib/pace.mjs';
import { COLLECTOR_PORT, xspanSflow } from '../sides/sflow.mjs';

const RATE = 1000;
const FRAMES_PER_SECOND = 1e6;
const LENGTH = 60;
const POLLING = '5s';

/** @typedef {import('../lib/row.mjs').Context} Context */

async function soak(/** @type {Context} */ { lab, traffic, progress, soak: seconds }) {
	const collector = lab.program('mon', 'sflow-collect.mjs', String(COLLECTOR_PORT));
	await collector.message();
	collector.pin(cpus.consumer);
	const agent = await xspanSflow(lab, RATE, POLLING);
	const pid = /** @type {number} */ (agent.process.child.pid);
	/** @type {import('../lib/memory.mjs').Sample[]} */
	const samples = [];
	const load = await sendPaced(traffic, LENGTH, FRAMES_PER_SECOND, seconds, (atMs) => {
		if (Math.floor(atMs / 1000) <= samples.length) return;
		samples.push({ atMs, ...residentBytes(pid) });
		progress(`${Math.round(atMs / 1000)}/${seconds} s`);
	});
	const ledger = await agent.stop();
	const collected = await collector.ask({ report: true });
	await collector.stop();
	return { samples, load, ledger, collected };
}

export const sflowSoak = {
	name: 'sflow-soak',
	async run(/** @type {Context} */ context) {
		if (!context.soak) return [];
		const result = await soak(context);
		const { samples, load, ledger, collected } = result;
		const grown = growth(samples, context.soak);
		const { datagrams, flowSamples, counterSamples, gaps, pool, drops } = collected;
		const isWhole = gaps === 0 && drops === 0 && ledger.seen.frames === load.received;
		return [
			{
				what: `growth of an sFlow agent's memory over a soak of ${context.soak} s`,
				xspan: mebibytes(grown),
				peer: '-',
				ratio: '-',
				reach: `flat (<= ${mebibytes(FLAT_BYTES)}), no gap`,
				met: grown <= FLAT_BYTES && isWhole,
				notes: [
					`${load.received} frames at ${millions(load.perSecond)}, seen ${ledger.seen.frames}, lost ${ledger.lost.frames}`,
					`collected: ${datagrams} datagrams, ${flowSamples} flow samples, ${counterSamples} counter samples; gaps in sequences ${gaps}, drops ${drops}, last pool ${pool}`,
					`resident beyond the rings: ${mebibytes(samples.at(-1)?.beyond ?? 0)} at the end`,
				],
				raw: result,
			},
		];
	},
};
