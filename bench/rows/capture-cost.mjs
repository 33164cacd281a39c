/** What capturing 64 B frames costs the production path, beside tcpdump. */
import { nanoseconds, percent } from '../lib/format.mjs';
import { median, ratios, spread } from '../lib/stats.mjs';
import { captureLoad } from '../sides/capturer.mjs';
import { tcpdump } from '../sides/peers.mjs';
import { xspanCapture } from '../sides/xspan.mjs';

const REACH = 0.8;
const LENGTH = 60; // 64 with the FCS
const SIDES = [xspanCapture('-s', '128'), tcpdump()];

/**
 * Both sides between two baselines, the order swapped every time.
 * @param {import('../lib/row.mjs').Context} context
 */
async function round({ lab, traffic, scale, progress, pairs }, number) {
	const load = () => traffic.send(LENGTH, scale(2_000_000));
	const order = number % 2 ? [...SIDES].reverse() : SIDES;
	const before = await load();
	const loads = {};
	for (const side of order) {
		progress(`pair ${number + 1}/${pairs}: ${side.name}`);
		loads[side.name] = await captureLoad(lab, side, load);
	}
	return { ...loads, baselines: [before, await load()] };
}

function costs(rounds, name) {
	return rounds.map(({ baselines, [name]: load }) => {
		const [before, after] = baselines.map((each) => each.nsPerFrame);
		return load.nsPerFrame - (before + after) / 2;
	});
}

const lostShare = (rounds, name) =>
	median(rounds.map(({ [name]: load }) => 1 - load.captured / load.received));

export const captureCost = {
	name: 'capture-cost',
	/** @param {import('../lib/row.mjs').Context} context */
	async run(context) {
		const rounds = [];
		for (let i = 0; i < context.pairs; i++) rounds.push(await round(context, i));
		const ours = costs(rounds, 'xspan');
		const theirs = costs(rounds, 'tcpdump');
		const ratio = ratios(ours, theirs);
		const baseline = median(
			rounds.flatMap((each) => each.baselines.map((load) => load.nsPerFrame)),
		);
		return [
			{
				what: 'cost of capturing 64 B frames, per frame',
				xspan: nanoseconds(median(ours)),
				peer: `tcpdump ${nanoseconds(median(theirs))}`,
				ratio: spread(ratio),
				reach: `<= ${REACH}`,
				met: median(ratio) <= REACH,
				notes: [
					`on top of a baseline of ${nanoseconds(baseline)}`,
					`not captured, median: xspan ${percent(lostShare(rounds, 'xspan'))}, tcpdump ${percent(lostShare(rounds, 'tcpdump'))} (a frame that is lost costs less)`,
				],
				raw: rounds,
			},
		];
	},
};
