/** What something costs the production path, per frame: a load with it, less loads without it. */
import { median } from './stats.mjs';

/** @typedef {import('./traffic.mjs').Load} Load */

const BURSTS = 20;
/** Frames of a burst, so that its start and end do not count. */
const LEAST = 50_000;

/**
 * A load in bursts, whose cost per frame is that of the median burst: one that was interrupted does
 * not count.
 * @param {import('./traffic.mjs').Traffic} traffic
 * @param {number} length of a frame, without FCS
 * @param {number} count of frames
 * @returns {Promise<Load>}
 */
export async function sendBursts(traffic, length, count) {
	const bursts = [];
	const size = Math.max(LEAST, Math.ceil(count / BURSTS));
	for (let rest = count; rest > 0; rest -= size) bursts.push(await traffic.send(length, size));
	const sum = (/** @type {'sent' | 'received' | 'ns'} */ field) =>
		bursts.reduce((total, burst) => total + burst[field], 0);
	const nsPerFrame = median(bursts.map((burst) => burst.nsPerFrame));
	const [sent, received, ns] = [sum('sent'), sum('received'), sum('ns')];
	return { sent, received, ns, nsPerFrame, perSecond: 1e9 / nsPerFrame };
}

/**
 * Each side between two baselines, the order swapped every time.
 * @param {import('./row.mjs').Context} context
 * @param {() => Promise<Load>} baseline
 * @param {Record<string, () => Promise<Load>>} sides
 */
export async function measureCosts({ pairs, progress }, baseline, sides) {
	const names = Object.keys(sides);
	const rounds = [];
	let before = await baseline();
	for (let number = 0; number < pairs; number++) {
		const round = {};
		for (const name of number % 2 ? [...names].reverse() : names) {
			progress(`pair ${number + 1}/${pairs}: ${name}`);
			const load = await sides[name]();
			const after = await baseline();
			round[name] = { ...load, baselines: [before.nsPerFrame, after.nsPerFrame] };
			before = after;
		}
		rounds.push(round);
	}
	return rounds;
}

/** Nanoseconds per frame that a side adds, for each round. */
export function costs(rounds, /** @type {string} */ name) {
	return rounds.map(({ [name]: { nsPerFrame, baselines } }) => {
		const [before, after] = baselines;
		return nsPerFrame - (before + after) / 2;
	});
}

export const baselineOf = (rounds) =>
	median(rounds.flatMap((round) => Object.values(round).flatMap((side) => side.baselines)));

/**
 * Compares small costs. The ratio is that of the medians: in a single round the noise may be as large
 * as what is measured. A cost that is often below zero is nothing but noise, and nothing is met then.
 * @param {number[]} ours
 * @param {number[]} theirs
 * @param {number} reach
 * @returns {{ratio: string, met: boolean | null}}
 */
export function compareCosts(ours, theirs, reach) {
	const isClear = (/** @type {number[]} */ values) =>
		values.filter((value) => value > 0).length >= 0.75 * values.length;
	if (!isClear(ours) || !isClear(theirs)) return { ratio: 'lost in noise', met: null };
	const ratio = median(ours) / median(theirs);
	return { ratio: `${ratio.toFixed(2)} (of medians)`, met: ratio <= reach };
}
