/** What a frame costs that the filter rejects, beside tcpdump's filter and a program that only returns. */
import { baselineOf, compareCosts, costs, measureCosts, sendBursts } from '../lib/cost.mjs';
import { nanoseconds } from '../lib/format.mjs';
import { median, spread } from '../lib/stats.mjs';
import { captureLoad } from '../sides/capturer.mjs';
import { tcpdump } from '../sides/peers.mjs';
import { besideReturn } from '../sides/test-run.mjs';
import { xspanCapture } from '../sides/xspan.mjs';

const FILTER = 'host 192.0.2.1 and tcp port 443';
const REACH = 0.5;
const REACH_NS = 60;
const LENGTH = 60; // 64 with the FCS
const SIDES = [xspanCapture('-s', '128', '--filter', FILTER), tcpdump(FILTER)];

/** Captures a load of which nothing may pass the filter. */
async function rejected(lab, side, load) {
	const result = await captureLoad(lab, side, load);
	if (result.captured || result.lost) throw new Error(`${side.name} captured what it must reject`);
	return result;
}

/**
 * @param {import('../lib/row.mjs').Context} context
 * @returns {Promise<import('../lib/row.mjs').Row>}
 */
async function besideTcpdump(context) {
	const load = () => sendBursts(context.traffic, LENGTH, context.scale(4_000_000));
	const sides = SIDES.map((side) => [side.name, () => rejected(context.lab, side, load)]);
	const rounds = await measureCosts(context, load, Object.fromEntries(sides));
	const ours = costs(rounds, 'xspan');
	const theirs = costs(rounds, 'tcpdump');
	return {
		what: 'cost of a 64 B frame that the filter rejects',
		xspan: nanoseconds(median(ours)),
		peer: `tcpdump ${nanoseconds(median(theirs))}`,
		...compareCosts(ours, theirs, REACH),
		reach: `<= ${REACH}`,
		notes: [
			`${FILTER}, on top of a baseline of ${nanoseconds(baselineOf(rounds))}`,
			`all, in ns: xspan ${spread(ours, 0)}, tcpdump ${spread(theirs, 0)}`,
		],
		raw: rounds,
	};
}

export const filter = {
	name: 'filter',
	/** @param {import('../lib/row.mjs').Context} context */
	async run(context) {
		const rows = [await besideTcpdump(context)];
		for (const hook of /** @type {const} */ (['tcx', 'xdp']))
			rows.push(
				await besideReturn(context, {
					hook,
					title: 'a frame that the filter rejects',
					selection: { filter: FILTER },
					fate: 'filtered',
					share: 1,
					reachNs: REACH_NS,
				}),
			);
		return rows;
	},
};
