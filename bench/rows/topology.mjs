/** A host with 2,000 veth pairs in 200 namespaces, read as a whole: xspan beside ip in a loop. */
import { execFileSync } from 'node:child_process';
import { milliseconds } from '../lib/format.mjs';
import { interleave } from '../lib/interleave.mjs';
import { cli } from '../lib/lab.mjs';
import { median, ratios, spread } from '../lib/stats.mjs';

const NAMESPACES = 200;
const PAIRS_EACH = 10;
const REACH_MS = 1000;
const PREFIX = `xsb${process.pid}`;
const HOST = `${PREFIX}-many`;
const MOST_OUTPUT = 2 ** 28;

/** @param {string[]} lines */
const batch = (lines, ...where) =>
	execFileSync('ip', [...where, '-batch', '-'], { input: `${lines.join('\n')}\n` });

const namespaces = Array.from({ length: NAMESPACES }, (_, i) => `${PREFIX}-c${i}`);

function build() {
	batch([HOST, ...namespaces].map((name) => `netns add ${name}`));
	const links = namespaces.flatMap((name, i) =>
		Array.from(
			{ length: PAIRS_EACH },
			(_, j) => `link add h${i}x${j} type veth peer name e${j} netns ${name}`,
		),
	);
	batch(['link add br0 type bridge', ...links], '-n', HOST);
}

const remove = () => batch([HOST, ...namespaces].map((name) => `netns del ${name}`));

const inHost = (/** @type {string[]} */ ...command) =>
	execFileSync('nsenter', [`--net=/run/netns/${HOST}`, ...command], { maxBuffer: MOST_OUTPUT });

/** @param {() => void} work */
async function timed(work) {
	const begin = performance.now();
	work();
	return performance.now() - begin;
}

const sides = {
	xspan: () =>
		timed(() => {
			const { devices } = JSON.parse(String(inHost(process.execPath, cli, 'topology', '--json')));
			const paired = devices.filter((each) => each.kind === 'veth' && each.peer !== null);
			const expected = 2 * NAMESPACES * PAIRS_EACH;
			if (paired.length < expected)
				throw new Error(`${paired.length} of ${expected} veths have found their peer`);
		}),
	ip: () =>
		timed(() => {
			for (const name of [HOST, ...namespaces]) {
				execFileSync('ip', ['-n', name, '-d', '-j', 'link'], { maxBuffer: MOST_OUTPUT });
				execFileSync('ip', ['-n', name, '-j', 'address'], { maxBuffer: MOST_OUTPUT });
			}
		}),
};

export const topology = {
	name: 'topology',
	/** @param {import('../lib/row.mjs').Context} context */
	async run({ pairs, progress }) {
		try {
			build();
			const results = await interleave(pairs, sides, progress);
			const { xspan, ip } = results;
			return [
				{
					what: `topology of ${NAMESPACES * PAIRS_EACH} veth pairs in ${NAMESPACES} namespaces`,
					xspan: `${milliseconds(median(xspan))} (max ${milliseconds(Math.max(...xspan))})`,
					peer: `ip link and ip address in each ${milliseconds(median(ip))}`,
					ratio: spread(ratios(xspan, ip)),
					reach: `< ${milliseconds(REACH_MS)}`,
					met: median(xspan) < REACH_MS,
					notes: ['the whole command, start of Node.js and JSON included; not pinned'],
					raw: results,
				},
			];
		} finally {
			remove();
		}
	},
};
