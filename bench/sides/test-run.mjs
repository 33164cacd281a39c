/** A selection beside a program that only returns: both run by the kernel on one frame, again and again. */
import { cpus } from '../lib/cpus.mjs';
import { udpFrame } from '../lib/frames.mjs';
import { median, spread } from '../lib/stats.mjs';

const RUNS = 1_000_000;
/** A pair takes milliseconds, so there can be many of them. */
const PAIRS_FACTOR = 10;
/** Some runs meet an interrupt or go another way; chance alone makes a standard deviation of 2e-5. */
const TOLERANCE = 0.00015;

const runNs = (/** @type {number} */ ns) => `${ns.toFixed(1)} ns`;

/**
 * @param {import('../lib/row.mjs').Context} context
 * @param {object} what
 * @param {'tcx' | 'xdp'} what.hook
 * @param {string} what.title
 * @param {object} what.selection
 * @param {'filtered' | 'sampled_out'} what.fate of the frames
 * @param {number} what.share of the frames that meet it
 * @param {number} what.reachNs
 * @param {string[]} [what.notes]
 * @returns {Promise<import('../lib/row.mjs').Row>}
 */
export async function besideReturn({ lab, pairs, scale, progress }, what) {
	const { hook, title, selection, fate, share, reachNs, notes = [] } = what;
	progress(`${hook}, ${pairs * PAIRS_FACTOR} pairs`);
	const program = lab.program('mon', 'test-run.mjs', hook, JSON.stringify(selection));
	await program.message();
	program.pin(cpus.traffic);
	const { runs, ledger } = await program.ask({
		frame: udpFrame(60).toString('hex'),
		repeat: scale(RUNS),
		pairs: pairs * PAIRS_FACTOR,
	});
	const more = runs.map((pair) => pair.tap - pair.returns);
	const met = ledger[fate].frames / ledger.seen.frames;
	if (!(Math.abs(met - share) <= TOLERANCE))
		throw new Error(`${title} at ${hook}: ${met} of the frames are ${fate}, not ${share}`);
	return {
		what: `${title}, at ${hook}`,
		xspan: runNs(median(runs.map((pair) => pair.tap))),
		peer: `only returns ${runNs(median(runs.map((pair) => pair.returns)))}`,
		ratio: `${spread(more, 0)} ns more`,
		reach: `< ${reachNs} ns more`,
		met: median(more) < reachNs,
		notes: ['BPF_PROG_TEST_RUN on one 64 B frame, everything in the caches', ...notes],
		raw: { runs, ledger },
	};
}
