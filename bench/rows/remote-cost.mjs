/** What mirroring in VXLAN costs the production path, beside tc's mirred to a vxlan device. */
import { baselineOf, costs, measureCosts, sendBursts } from '../lib/cost.mjs';
import { nanoseconds } from '../lib/format.mjs';
import { arrivals, LENGTHS, mirroredAway } from '../lib/remote.mjs';
import { median, ratios, spread } from '../lib/stats.mjs';
import { tcVxlan, xspanVxlan } from '../sides/mirrors.mjs';

const REACH = 0.6;

/** @param {import('../lib/row.mjs').Context} context */
async function measure(context, { length, title }) {
	const count = context.scale(2_000_000);
	const rounds = await measureCosts(
		{ ...context, progress: (text) => context.progress(`${title}, ${text}`) },
		() => sendBursts(context.traffic, length, count),
		{
			xspan: () => mirroredAway(context, xspanVxlan, length, count),
			tc: () => mirroredAway(context, tcVxlan, length, count),
		},
	);
	const ours = costs(rounds, 'xspan');
	const theirs = costs(rounds, 'tc');
	const ratio = ratios(ours, theirs);
	const { note, enough } = arrivals({
		xspan: rounds.map((round) => round.xspan),
		tc: rounds.map((round) => round.tc),
	});
	return {
		what: `cost of mirroring in VXLAN, per frame, ${title}`,
		xspan: nanoseconds(median(ours)),
		peer: `tc mirred to vxlan ${nanoseconds(median(theirs))}`,
		ratio: spread(ratio),
		reach: `<= ${REACH}`,
		met: median(ratio) <= REACH && enough,
		notes: [
			`on top of a baseline of ${nanoseconds(baselineOf(rounds))}; the collector's share of the work is in both`,
			`all, in ns: xspan ${spread(ours, 0)}, tc ${spread(theirs, 0)}`,
			note,
		],
		raw: rounds,
	};
}

export const remoteCost = {
	name: 'remote-cost',
	/** @param {import('../lib/row.mjs').Context} context */
	async run(context) {
		const rows = [];
		for (const size of LENGTHS) rows.push(await measure(context, size));
		return rows;
	},
};
