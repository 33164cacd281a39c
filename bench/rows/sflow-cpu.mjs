/** CPU time of an sFlow agent at 1 M frames/s and 1/1000, beside pmacctd. */
import { cpuSeconds } from '../lib/cpu-time.mjs';
import { millions, percent } from '../lib/format.mjs';
import { interleave } from '../lib/interleave.mjs';
import { sendPaced } from '../lib/pace.mjs';
import { median, ratios, spread } from '../lib/stats.mjs';
import { sleep } from '../lib/wait.mjs';
import { pmacctd, xspanSflow } from '../sides/sflow.mjs';

const RATE = 1000;
const FRAMES_PER_SECOND = 1e6;
const SECONDS = 10;
const REACH = 0.1;
const LENGTH = 60; // 64 with the FCS
/** Until what belongs to its start is done. */
const SETTLE_MS = 1000;

export const sflowCpu = {
	name: 'sflow-cpu',
	/** @param {import('../lib/row.mjs').Context} context */
	async run({ traffic, lab, scale, pairs, progress }) {
		const measure = async (start) => {
			const agent = await start(lab, RATE);
			await sleep(SETTLE_MS);
			const { pid } = agent.process.child;
			const before = cpuSeconds(pid);
			const load = await sendPaced(traffic, LENGTH, FRAMES_PER_SECOND, scale(SECONDS));
			const busy = (cpuSeconds(pid) - before) / load.seconds;
			await agent.stop();
			return { busy, perSecond: load.perSecond };
		};
		const sides = { xspan: () => measure(xspanSflow), pmacctd: () => measure(pmacctd) };
		const results = await interleave(pairs, sides, progress);
		const of = (/** @type {string} */ name) => results[name].map(({ busy }) => busy);
		const ratio = ratios(of('xspan'), of('pmacctd'));
		const rates = Object.values(results).flatMap((side) => side.map((each) => each.perSecond));
		return [
			{
				what: `CPU of an sFlow agent at 1 M frames/s, 1/${RATE}`,
				xspan: percent(median(of('xspan'))),
				peer: `pmacctd (sfprobe) ${percent(median(of('pmacctd')))}`,
				ratio: spread(ratio, 3),
				reach: `<= ${REACH}`,
				met: median(ratio) <= REACH,
				notes: [`of one core, all its threads and processes; ${millions(median(rates))} received`],
				raw: results,
			},
		];
	},
};
