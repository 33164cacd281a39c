/** Frames/s through an interface while it is mirrored in VXLAN, beside tc's mirred to a vxlan device. */
import { millions } from '../lib/format.mjs';
import { interleave } from '../lib/interleave.mjs';
import { arrivals, LENGTHS, mirroredAway } from '../lib/remote.mjs';
import { median, ratios, spread } from '../lib/stats.mjs';
import { tcVxlan, xspanVxlan } from '../sides/mirrors.mjs';

const REACH = 1.5;

/** @param {import('../lib/row.mjs').Context} context */
async function measure(context, { length, title }) {
	const count = context.scale(2_000_000);
	const { xspan, tc } = await interleave(
		context.pairs,
		{
			xspan: () => mirroredAway(context, xspanVxlan, length, count),
			tc: () => mirroredAway(context, tcVxlan, length, count),
		},
		(text) => context.progress(`${title}, ${text}`),
	);
	const rate = (side) => side.map((each) => each.perSecond);
	const ratio = ratios(rate(xspan), rate(tc));
	const { note, enough } = arrivals({ xspan, tc });
	return {
		what: `frames/s while mirrored in VXLAN, ${title}`,
		xspan: millions(median(rate(xspan))),
		peer: `tc mirred to vxlan ${millions(median(rate(tc)))}`,
		ratio: spread(ratio),
		reach: `>= ${REACH}`,
		met: median(ratio) >= REACH && enough,
		notes: [note],
		raw: { xspan, tc },
	};
}

export const remote = {
	name: 'remote',
	/** @param {import('../lib/row.mjs').Context} context */
	async run(context) {
		const rows = [];
		for (const size of LENGTHS) rows.push(await measure(context, size));
		return rows;
	},
};
