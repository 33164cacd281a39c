/** CPU time of a process and its children, threads included. */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

const TICKS_PER_SECOND = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));

/** Behind the name, which may hold spaces: state, parent, ... as proc(5) counts from 3. */
function statOf(/** @type {string | number} */ pid) {
	const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
	return text.slice(text.lastIndexOf(')') + 2).split(' ');
}

function childrenOf(/** @type {number} */ pid) {
	return readdirSync(`/proc/${pid}/task`).flatMap((task) =>
		readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8')
			.split(' ')
			.filter(Boolean)
			.map(Number),
	);
}

/** Seconds, user and system. @returns {number} */
export function cpuSeconds(/** @type {number} */ pid) {
	const [utime, stime] = statOf(pid).slice(11, 13).map(Number);
	const own = (utime + stime) / TICKS_PER_SECOND;
	return childrenOf(pid).reduce((sum, child) => sum + cpuSeconds(child), own);
}
