/** A B, B A, A B ...: so that whatever else the machine does hits both sides alike. */

/**
 * @template T
 * @param {number} pairs
 * @param {Record<string, () => Promise<T>>} sides
 * @param {(text: string) => void} progress
 * @returns {Promise<Record<string, T[]>>}
 */
export async function interleave(pairs, sides, progress) {
	const names = Object.keys(sides);
	/** @type {Record<string, T[]>} */
	const results = Object.fromEntries(names.map((name) => [name, []]));
	for (let pair = 0; pair < pairs; pair++) {
		for (const name of pair % 2 ? [...names].reverse() : names) {
			progress(`pair ${pair + 1}/${pairs}: ${name}`);
			results[name].push(await sides[name]());
		}
	}
	return results;
}
