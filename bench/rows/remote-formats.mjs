/** Frames/s through an interface while it is mirrored in ERSPAN, beside our VXLAN. */
import { millions } from '../lib/format.mjs';
import { interleave } from '../lib/interleave.mjs';
import { collector } from '../lib/lab.mjs';
import { arrivals, LENGTHS, mirroredAway } from '../lib/remote.mjs';
import { median, ratios, spread } from '../lib/stats.mjs';
import { xspanTo } from '../sides/mirrors.mjs';

const REACH = 0.9;
const VXLAN = `vxlan://${collector}?vni=42`;
const FORMATS = {
	'ERSPAN II': `erspan://${collector}?session=10`,
	'ERSPAN III': `erspan://${collector}?session=10&version=3`,
};
/** Both: every frame then gets a mark that says which way it went. All of them are received. */
const DIRECTIONS = /** @type {const} */ (['rx', 'both']);

const rate = (side) => side.map((each) => each.perSecond);

/** @param {import('../lib/row.mjs').Context} context */
async function measure(context, { length, title }, direction) {
	const count = context.scale(2_000_000);
	const sides = Object.entries({ vxlan: VXLAN, ...FORMATS }).map(([name, to]) => [
		name,
		() => mirroredAway(context, (lab) => xspanTo(lab, to, direction), length, count),
	]);
	const results = await interleave(context.pairs, Object.fromEntries(sides), (text) =>
		context.progress(`${title}, --direction ${direction}, ${text}`),
	);
	const { vxlan } = results;
	return Object.keys(FORMATS).map((name) => {
		const ratio = ratios(rate(results[name]), rate(vxlan));
		const { note, enough } = arrivals({ [name]: results[name], vxlan });
		return {
			what: `frames/s while mirrored in ${name}, ${title}, --direction ${direction}`,
			xspan: millions(median(rate(results[name]))),
			peer: `our VXLAN ${millions(median(rate(vxlan)))}`,
			ratio: spread(ratio),
			reach: `>= ${REACH}`,
			met: median(ratio) >= REACH && enough,
			notes: [note],
			raw: { [name]: results[name], vxlan },
		};
	});
}

export const remoteFormats = {
	name: 'remote-formats',
	/** @param {import('../lib/row.mjs').Context} context */
	async run(context) {
		const rows = [];
		for (const size of LENGTHS)
			for (const direction of DIRECTIONS) rows.push(...(await measure(context, size, direction)));
		return rows;
	},
};
