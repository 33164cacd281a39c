/** Which CPU does what: the traffic on one, whoever consumes it on another. */
import { execFileSync } from 'node:child_process';
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

/**
 * Moves all threads of a process to a CPU. After its start, because a program that counts the CPUs it
 * may use (for the number of its buffers, say) must see what it would see without the benchmark.
 */
export function pin(/** @type {number} */ cpu, /** @type {number | undefined} */ pid) {
	execFileSync('taskset', ['-a', '-c', '-p', String(cpu), String(pid)], { stdio: 'ignore' });
}

export const pinning =
	traffic === consumer
		? `one CPU only: traffic and consumer share CPU ${traffic}`
		: `traffic and the taps on CPU ${traffic}, consumers (all threads of xspan, tcpdump, dumpcap, cap) on CPU ${consumer}`;
