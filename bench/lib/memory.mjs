/** What a process holds in memory. */
import { readFileSync } from 'node:fs';

const KIB = 1024;
/** Until then the heap grows to the size it keeps. */
const WARM_UP_SHARE = 0.25;
const WINDOW = 0.15; // of the time, for each mean
/** The garbage collector may be anywhere in its cycle: less than this is not growth. */
export const FLAT_BYTES = 8 * 2 ** 20;

/** @typedef {{atMs: number, all: number, rings: number, beyond: number}} Sample */

/** Resident bytes, and how many of them are mapped BPF maps: the rings. */
export function residentBytes(/** @type {number} */ pid) {
	let all = 0;
	let rings = 0;
	let isRing = false;
	for (const line of readFileSync(`/proc/${pid}/smaps`, 'utf8').split('\n')) {
		if (/^[0-9a-f]+-[0-9a-f]+ /.test(line)) isRing = line.includes('anon_inode:bpf-map');
		const resident = /^Rss:\s+(\d+) kB/.exec(line);
		if (!resident) continue;
		all += Number(resident[1]) * KIB;
		if (isRing) rings += Number(resident[1]) * KIB;
	}
	return { all, rings, beyond: all - rings };
}

function mean(/** @type {Sample[]} */ samples) {
	return samples.reduce((sum, each) => sum + each.beyond, 0) / samples.length;
}

/** From after the warm-up to the end, each as a mean: the garbage collector makes a saw. */
export function growth(/** @type {Sample[]} */ samples, /** @type {number} */ seconds) {
	const share = (/** @type {number} */ from, /** @type {number} */ to) =>
		samples.filter(({ atMs }) => {
			const part = atMs / (seconds * 1000);
			return part >= from && part < to;
		});
	return mean(share(1 - WINDOW, 2)) - mean(share(WARM_UP_SHARE, WARM_UP_SHARE + WINDOW));
}
