/** Medians and spreads. */

export function median(/** @type {number[]} */ values) {
	const sorted = [...values].sort((a, b) => a - b);
	const middle = sorted.length >> 1;
	return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** Of each pair of measurements that were taken one after the other. */
export const ratios = (/** @type {number[]} */ ours, /** @type {number[]} */ theirs) =>
	ours.map((value, i) => value / theirs[i]);

/** "1.02 (0.98..1.07)" */
export function spread(/** @type {number[]} */ values, digits = 2) {
	const text = (/** @type {number} */ value) => value.toFixed(digits);
	return `${text(median(values))} (${text(Math.min(...values))}..${text(Math.max(...values))})`;
}
