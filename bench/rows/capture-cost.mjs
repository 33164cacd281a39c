/** What capturing 64 B frames costs the production path, beside tcpdump. */
import { baselineOf, costs, measureCosts } from '../lib/cost.mjs';
import { nanoseconds, percent } from '../lib/format.mjs';
import { median, ratios, spread } from '../lib/stats.mjs';
import { captureLoad } from '../sides/capturer.mjs';
import { tcpdump } from '../sides/peers.mjs';
import { xspanCapture } from '../sides/xspan.mjs';

const REACH = 0.8;
const LENGTH = 60; // 64 with the FCS
const SIDES = [xspanCapture('-s', '128'), tcpdump()];

const lostShare = (rounds, name) =>
	median(rounds.map(({ [name]: load }) => 1 - load.captured / load.received));

export const captureCost = {
	name: 'capture-cost',
	/** @param {import('../lib/row.mjs').Context} context */
	async run(context) {
		const load = () => context.traffic.send(LENGTH, context.scale(2_000_000));
		const sides = SIDES.map((side) => [side.name, () => captureLoad(context.lab, side, load)]);
		const rounds = await measureCosts(context, load, Object.fromEntries(sides));
		const ours = costs(rounds, 'xspan');
		const theirs = costs(rounds, 'tcpdump');
		const ratio = ratios(ours, theirs);
		return [
			{
				what: 'cost of capturing 64 B frames, per frame',
				xspan: nanoseconds(median(ours)),
				peer: `tcpdump ${nanoseconds(median(theirs))}`,
				ratio: spread(ratio),
				reach: `<= ${REACH}`,
				met: median(ratio) <= REACH,
				notes: [
					`on top of a baseline of ${nanoseconds(baselineOf(rounds))}`,
					`not captured, median: xspan ${percent(lostShare(rounds, 'xspan'))}, tcpdump ${percent(lostShare(rounds, 'tcpdump'))} (a frame that is lost costs less)`,
				],
				raw: rounds,
			},
		];
	},
};
