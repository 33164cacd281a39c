/**
 * What a file of bench/rows is given, and what it gives back.
 *
 * @typedef {object} Context
 * @property {import('./lab.mjs').Lab} lab
 * @property {import('./traffic.mjs').Traffic} traffic
 * @property {number} pairs
 * @property {number} soak seconds; 0: no soak
 * @property {(count: number) => number} scale fewer frames in a quick run
 * @property {(text: string) => void} progress
 *
 * @typedef {object} Row
 * @property {string} what
 * @property {string} xspan
 * @property {string} peer
 * @property {string} ratio median (min..max)
 * @property {string} reach
 * @property {boolean | null} met null: nothing to compare with
 * @property {string[]} [notes]
 * @property {unknown} raw every measurement
 *
 * @typedef {object} Benchmark
 * @property {string} name
 * @property {(context: Context) => Promise<Row[]>} run
 */
export {};
