/** Frames/s through an interface while it is mirrored to a port, beside tc's mirred. */
import { millions } from '../lib/format.mjs';
import { interleave } from '../lib/interleave.mjs';
import { median, ratios, spread } from '../lib/stats.mjs';
import { sleep } from '../lib/wait.mjs';
import { tcMirred, xspanMirror } from '../sides/mirrors.mjs';

const REACH = 0.95;
const LENGTHS = [
	{ length: 60, title: '64 B' },
	{ length: 1400, title: '1400 B' },
];

/** @param {import('../lib/row.mjs').Context} context */
async function mirrored({ lab, traffic, scale }, side, length) {
	const session = await side(lab);
	const before = lab.received('ids', 'ids0');
	const load = await traffic.send(length, scale(2_000_000));
	await sleep(50);
	const arrived = lab.received('ids', 'ids0') - before;
	return { ...load, arrived, ...(await session.stop()) };
}

/** @param {import('../lib/row.mjs').Context} context */
async function measure(context, { length, title }) {
	const { xspan, tc } = await interleave(
		context.pairs,
		{
			xspan: () => mirrored(context, xspanMirror, length),
			tc: () => mirrored(context, tcMirred, length),
		},
		(text) => context.progress(`${title}, ${text}`),
	);
	const rate = (side) => side.map((each) => each.perSecond);
	const ratio = ratios(rate(xspan), rate(tc));
	const arrived = Math.min(...[...xspan, ...tc].map((each) => each.arrived / each.received));
	return {
		what: `frames/s while mirrored to a port, ${title}`,
		xspan: millions(median(rate(xspan))),
		peer: `tc mirred ${millions(median(rate(tc)))}`,
		ratio: spread(ratio),
		reach: `>= ${REACH}`,
		met: median(ratio) >= REACH && arrived > 0.999,
		notes: [`copies that arrived at the far end: at least ${(100 * arrived).toFixed(2)} %`],
		raw: { xspan, tc },
	};
}

export const mirror = {
	name: 'mirror',
	/** @param {import('../lib/row.mjs').Context} context */
	async run(context) {
		const rows = [];
		for (const size of LENGTHS) rows.push(await measure(context, size));
		return rows;
	},
};
