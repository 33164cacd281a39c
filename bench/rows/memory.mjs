/** Resident memory of a capture beyond its rings; with --soak also over a long time. */
import { mebibytes, millions, percent } from '../lib/format.mjs';
import { FLAT_BYTES, growth, residentBytes } from '../lib/memory.mjs';
import { xspanCapture } from '../sides/xspan.mjs';

const REACH_BYTES = 120 * 2 ** 20;
const BURST = 500_000;
const LENGTH = 60;
/** @typedef {import('../lib/row.mjs').Context} Context */
/** @typedef {import('../lib/memory.mjs').Sample} Sample */

/** Captures under full load for that long, and looks at its memory after every burst. */
async function loaded(
	/** @type {Context} */ { lab, traffic, progress },
	/** @type {number} */ seconds,
) {
	const running = await xspanCapture('--buffer', '64M').start(lab);
	const start = performance.now();
	/** @type {Sample[]} */
	const samples = [];
	let frames = 0;
	while (performance.now() - start < seconds * 1000) {
		const load = await traffic.send(LENGTH, BURST);
		frames += load.received;
		const pid = /** @type {number} */ (running.process.child.pid);
		samples.push({ atMs: performance.now() - start, ...residentBytes(pid) });
		progress(`${Math.round((performance.now() - start) / 1000)}/${seconds} s`);
	}
	return { samples, frames, seconds, ...(await running.stop()) };
}

function memoryRow(result) {
	const largest = Math.max(...result.samples.map((each) => each.beyond));
	const rings = Math.max(...result.samples.map((each) => each.rings));
	return {
		what: 'resident memory of a capture beyond the rings, at most',
		xspan: mebibytes(largest),
		peer: '-',
		ratio: '-',
		reach: `<= ${mebibytes(REACH_BYTES)}`,
		met: largest <= REACH_BYTES,
		notes: [`under full load of 64 B frames; mapped ring memory on top: ${mebibytes(rings)}`],
		raw: result,
	};
}

function soakRow(result) {
	const grown = growth(result.samples, result.seconds);
	return {
		what: `growth of that memory over a soak of ${result.seconds} s`,
		xspan: mebibytes(grown),
		peer: '-',
		ratio: '-',
		reach: `flat (<= ${mebibytes(FLAT_BYTES)})`,
		met: grown <= FLAT_BYTES,
		notes: [
			`${result.frames} frames at ${millions(result.frames / result.seconds)}; lost ${result.lost} (${percent(result.lost / result.frames)})`,
		],
		raw: result,
	};
}

export const memory = {
	name: 'memory',
	async run(/** @type {Context} */ context) {
		const short = await loaded(context, context.quick ? 3 : 10);
		if (!context.soak) return [memoryRow(short)];
		return [memoryRow(short), soakRow(await loaded(context, context.soak))];
	},
};
