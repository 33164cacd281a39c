/** Which CPU does what: the traffic on one, whoever consumes it on another. */
import { readFileSync } from 'node:fs';

/** CPUs that this process may use, from a list such as "0-3,6". */
function allowedCpus() {
	const status = readFileSync('/proc/self/status', 'utf8');
	const list = /^Cpus_allowed_list:\s*(\S+)$/m.exec(status)?.[1] ?? '0';
	return list.split(',').flatMap((part) => {
		const [first, last = first] = part.split('-').map(Number);
		return Array.from({ length: last - first + 1 }, (_, i) => first + i);
	});
}

const [traffic, consumer = traffic] = allowedCpus();

export const cpus = { traffic, consumer };

/** A command that runs another one on that CPU. */
export const pinned = (/** @type {number} */ cpu) => ['taskset', '-c', String(cpu)];

export const pinning =
	traffic === consumer
		? `one CPU only: traffic and consumer share CPU ${traffic}`
		: `traffic and the taps on CPU ${traffic}, consumers (all threads of xspan, tcpdump, dumpcap, cap) on CPU ${consumer}`;
