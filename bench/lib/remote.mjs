/** A load on mon0 while something mirrors it to the collector. */
import { sendBursts } from './cost.mjs';
import { percent } from './format.mjs';
import { sleep } from './wait.mjs';

/** Copies on their way to the collector when the last frame has been sent. */
const SETTLE_MS = 50;
/** Who loses more than that of the copies has saved itself the work. */
const ENOUGH = 0.999;

export const LENGTHS = [
	{ length: 60, title: '64 B' },
	{ length: 1400, title: '1400 B' },
];

/**
 * @typedef {import('./traffic.mjs').Load & {arrived: number}} Remote with copies at the collector
 * @typedef {(lab: import('./lab.mjs').Lab) => Promise<{stop: () => Promise<object>}>} Side
 */

/**
 * @param {import('./row.mjs').Context} context
 * @param {Side} side
 * @param {number} length of a frame, without FCS
 * @param {number} count of frames
 * @returns {Promise<Remote>}
 */
export async function mirroredAway({ lab, traffic }, side, length, count) {
	const session = await side(lab);
	const before = lab.received('ids', 'col0');
	const load = await sendBursts(traffic, length, count);
	await sleep(SETTLE_MS);
	const arrived = lab.received('ids', 'col0') - before;
	return { ...load, arrived, ...(await session.stop()) };
}

/** The least share of the copies that arrived. */
const leastShare = (/** @type {Remote[]} */ loads) =>
	Math.min(...loads.map((load) => load.arrived / load.received));

/**
 * What became of the copies of each side, for the notes, and whether it is enough.
 * @param {Record<string, Remote[]>} sides
 */
export function arrivals(sides) {
	const shares = Object.entries(sides).map(([name, loads]) => ({ name, share: leastShare(loads) }));
	const text = shares.map(({ name, share }) => `${name} ${percent(share)}`).join(', ');
	return {
		note: `copies that arrived at the collector, at least: ${text}`,
		enough: shares.every(({ share }) => share > ENOUGH),
	};
}
