/** What a frame costs that 1/1000 sampling passes over, beside a program that only returns. */
import { besideReturn } from '../sides/test-run.mjs';

const RATE = 1000;
const REACH_NS = 15;

export const sample = {
	name: 'sample',
	/** @param {import('../lib/row.mjs').Context} context */
	async run(context) {
		const rows = [];
		for (const hook of /** @type {const} */ (['tcx', 'xdp']))
			rows.push(
				await besideReturn(context, {
					hook,
					title: `a frame that 1/${RATE} passes over`,
					selection: { sample: { mode: 'random', rate: RATE } },
					fate: 'sampled_out',
					share: 1 - 1 / RATE,
					reachNs: REACH_NS,
					notes: [
						`the one in ${RATE} that is chosen is in the mean; the ring is full, so it is lost`,
					],
				}),
			);
		return rows;
	},
};
