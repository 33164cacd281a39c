/** The table for people, and the file with every single value. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { table } from './format.mjs';
import { root } from './lab.mjs';

const HEAD = ['what', 'xspan', 'peer', 'ratio median (min..max)', 'reach', 'met?'];

/** @param {import('./row.mjs').Row[]} rows */
export function printTable(rows) {
	const met = (row) => (row.met === null ? '-' : row.met ? 'yes' : 'NO');
	const cells = rows.map((row) => [row.what, row.xspan, row.peer, row.ratio, row.reach, met(row)]);
	console.log(table([HEAD, HEAD.map(() => ''), ...cells]));
	for (const row of rows) for (const note of row.notes ?? []) console.log(`  ${row.what}: ${note}`);
}

/** Writes bench/results/DATE.json and returns its path. */
export function saveResults(/** @type {Date} */ date, /** @type {object} */ results) {
	const directory = join(root, 'bench/results');
	mkdirSync(directory, { recursive: true });
	const path = join(directory, `${date.toISOString().replaceAll(':', '-')}.json`);
	writeFileSync(path, `${JSON.stringify({ date, ...results }, null, '\t')}\n`);
	return path;
}
