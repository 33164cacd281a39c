/** Frames lost when capturing 1400 B frames whole at full load with 64 MiB. */
import { millions, percent } from '../lib/format.mjs';
import { interleave } from '../lib/interleave.mjs';
import { median, spread } from '../lib/stats.mjs';
import { captureLoad } from '../sides/capturer.mjs';
import { dumpcap, tcpdump } from '../sides/peers.mjs';
import { xspanCapture } from '../sides/xspan.mjs';

const SIDES = [xspanCapture('--buffer', '64M'), dumpcap('-B', '64'), tcpdump('-B', '65536')];

const lost = (load) => load.received - load.captured;
const shares = (loads) => loads.map((load) => lost(load) / load.received);

/** Frames that neither were captured nor counted as lost. */
function unexplained(loads) {
	return Math.max(...loads.map((load) => Math.abs(lost(load) - load.lost)));
}

function compare(results, name) {
	const ours = shares(results.xspan);
	const theirs = shares(results[name]);
	const points = ours.map((share, i) => 100 * (share - theirs[i]));
	return {
		what: `frames lost at full load, 1400 B whole, 64 MiB (${name})`,
		xspan: percent(median(ours)),
		peer: `${name} ${percent(median(theirs))}`,
		ratio: `${spread(points, 1)} points`,
		reach: `none where ${name} loses`,
		met: Math.max(...ours) === 0,
		notes: [
			`load: xspan ${millions(median(results.xspan.map((load) => load.perSecond)))}, ${name} ${millions(median(results[name].map((load) => load.perSecond)))}`,
			`difference between what is missing and what is reported as lost: xspan ${unexplained(results.xspan)}, ${name} ${unexplained(results[name])} frames`,
		],
		raw: { xspan: results.xspan, [name]: results[name] },
	};
}

export const captureLoss = {
	name: 'capture-loss',
	/** @param {import('../lib/row.mjs').Context} context */
	async run({ lab, traffic, pairs, scale, progress }) {
		const load = () => traffic.send(1400, scale(2_000_000));
		const sides = SIDES.map((side) => [side.name, () => captureLoad(lab, side, load)]);
		const results = await interleave(pairs, Object.fromEntries(sides), progress);
		return [compare(results, 'dumpcap'), compare(results, 'tcpdump')];
	},
};
