/** The command line of `node bench/run.mjs`. */
import { parseArgs } from 'node:util';

/**
 * @typedef {object} Options
 * @property {string[]} names rows to run; empty: all
 * @property {number} pairs interleaved pairs of each comparison
 * @property {boolean} quick short runs, to see that everything works
 * @property {number} soak seconds; 0: no soak
 */

export const USAGE = `usage: node bench/run.mjs [name...] [--pairs N] [--quick] [--soak SECONDS]

  name            rows to run (default: all)
  --pairs N       interleaved pairs of each comparison (default 9; 3 with --quick)
  --quick         short runs: to see that everything works, not for figures
  --soak SECONDS  also run traffic that long and report growth of memory and losses
`;

/** @returns {Options} */
export function parseOptions(/** @type {string[]} */ argv) {
	const { values, positionals } = parseArgs({
		args: argv,
		allowPositionals: true,
		options: {
			pairs: { type: 'string' },
			quick: { type: 'boolean', default: false },
			soak: { type: 'string', default: '0' },
		},
	});
	return {
		names: positionals,
		quick: values.quick,
		pairs: whole('--pairs', values.pairs ?? (values.quick ? '3' : '9'), 1),
		soak: whole('--soak', values.soak, 0),
	};
}

function whole(
	/** @type {string} */ name,
	/** @type {string} */ text,
	/** @type {number} */ least,
) {
	const value = Number(text);
	if (!Number.isInteger(value) || value < least)
		throw new Error(`${name} wants a whole number of at least ${least}, not "${text}"`);
	return value;
}
