/** A load at a rate of frames per second, well below what the source could send. */
import { sleep } from './wait.mjs';

const STEP_MS = 50;

/**
 * @param {import('./traffic.mjs').Traffic} traffic
 * @param {number} length of a frame, without FCS
 * @param {number} perSecond
 * @param {number} seconds
 * @param {(elapsedMs: number) => void} [each] called after every step
 * @returns {Promise<{received: number, perSecond: number, seconds: number}>}
 */
export async function sendPaced(traffic, length, perSecond, seconds, each) {
	const start = performance.now();
	let received = 0;
	for (let step = 1; performance.now() - start < seconds * 1000; step++) {
		received += (await traffic.send(length, (perSecond * STEP_MS) / 1000)).received;
		await sleep(Math.max(0, start + step * STEP_MS - performance.now()));
		each?.(performance.now() - start);
	}
	const took = (performance.now() - start) / 1000;
	return { received, perSecond: received / took, seconds: took };
}
