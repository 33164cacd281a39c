/** What an sFlow agent at 1/1000 costs the production path with 64 B frames, beside pmacctd. */
import { baselineOf, compareCosts, costs, measureCosts, sendBursts } from '../lib/cost.mjs';
import { nanoseconds } from '../lib/format.mjs';
import { median } from '../lib/stats.mjs';
import { pmacctd, xspanSflow } from '../sides/sflow.mjs';

const RATE = 1000;
const REACH = 0.2;
const LENGTH = 60; // 64 with the FCS

export const sflow = {
	name: 'sflow',
	/** @param {import('../lib/row.mjs').Context} context */
	async run(context) {
		const { traffic, lab, scale } = context;
		const load = () => sendBursts(traffic, LENGTH, scale(5_000_000));
		const beside = async (start) => {
			const agent = await start(lab, RATE);
			const sent = await load();
			await agent.stop();
			return sent;
		};
		const rounds = await measureCosts(context, load, {
			xspan: () => beside(xspanSflow),
			pmacctd: () => beside(pmacctd),
		});
		const [ours, theirs] = [costs(rounds, 'xspan'), costs(rounds, 'pmacctd')];
		const { ratio, met } = compareCosts(ours, theirs, REACH);
		return [
			{
				what: `cost of an sFlow agent at 1/${RATE}, 64 B frames, per frame`,
				xspan: nanoseconds(median(ours)),
				peer: `pmacctd (sfprobe) ${nanoseconds(median(theirs))}`,
				ratio,
				reach: `<= ${REACH}`,
				met,
				notes: [`on top of a baseline of ${nanoseconds(baselineOf(rounds))}`],
				raw: rounds,
			},
		];
	},
};
