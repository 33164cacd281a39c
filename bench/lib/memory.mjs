/** What a process holds in memory. */
import { readFileSync } from 'node:fs';

const KIB = 1024;

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
