/** Numbers for people. */

export const millions = (/** @type {number} */ perSecond) => `${(perSecond / 1e6).toFixed(3)} M/s`;
export const percent = (/** @type {number} */ share) => `${(100 * share).toFixed(share ? 2 : 0)} %`;
export const mebibytes = (/** @type {number} */ bytes) => `${(bytes / 2 ** 20).toFixed(1)} MiB`;
export const nanoseconds = (/** @type {number} */ ns) => `${ns.toFixed(0)} ns`;
export const milliseconds = (/** @type {number} */ ms) => `${ms.toFixed(0)} ms`;

/** Lines of equal columns. */
export function table(/** @type {string[][]} */ rows) {
	const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
	return rows
		.map((row) =>
			row
				.map((cell, i) => cell.padEnd(widths[i]))
				.join(' | ')
				.trimEnd(),
		)
		.join('\n');
}
