/** Waiting. */

export const sleep = (/** @type {number} */ ms) => new Promise((done) => setTimeout(done, ms));

export async function until(
	/** @type {() => boolean} */ holds,
	/** @type {string} */ what,
	timeoutMs = 15_000,
) {
	const end = Date.now() + timeoutMs;
	while (!holds()) {
		if (Date.now() > end) throw new Error(`waited ${timeoutMs} ms for ${what}`);
		await sleep(5);
	}
}
