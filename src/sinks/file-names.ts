/** The names of a capture's files, as tcpdump's -C, -G and -W make them. */
import type { PcapngSpec } from '../spec/spec.ts';

const two = (n: number): string => String(n).padStart(2, '0');

/** The strftime conversions that make sense in a file name; local time, as tcpdump's. */
const CONVERSIONS: Record<string, (t: Date) => string> = {
	Y: (t) => String(t.getFullYear()),
	y: (t) => two(t.getFullYear() % 100),
	m: (t) => two(t.getMonth() + 1),
	d: (t) => two(t.getDate()),
	H: (t) => two(t.getHours()),
	M: (t) => two(t.getMinutes()),
	S: (t) => two(t.getSeconds()),
	s: (t) => String(Math.floor(t.getTime() / 1000)),
	F: (t) => `${t.getFullYear()}-${two(t.getMonth() + 1)}-${two(t.getDate())}`,
	T: (t) => `${two(t.getHours())}:${two(t.getMinutes())}:${two(t.getSeconds())}`,
	'%': () => '%',
};

export function formatTime(pattern: string, time: Date): string {
	return pattern.replace(/%(.)/g, (all, letter: string) => CONVERSIONS[letter]?.(time) ?? all);
}

/**
 * The name of the index-th file (from 0) of a session.
 * With a period, conversions in the path are replaced. A number is added where names would repeat:
 * for sizes none on the first, then 1, 2, ...; with a fixed number of files 00, 01, ... in a circle.
 */
export function fileName(spec: PcapngSpec, index: number, time: Date): string {
	const base = spec.filePeriodMs === undefined ? spec.path : formatTime(spec.path, time);
	const isUnique = spec.filePeriodMs !== undefined && base !== spec.path;
	if (spec.fileBytes === undefined && isUnique) return base;
	if (isRing(spec)) {
		const digits = String((spec.files as number) - 1).length;
		return `${base}${String(index % (spec.files as number)).padStart(digits, '0')}`;
	}
	return index === 0 ? base : `${base}${index}`;
}

/** Old files are overwritten by new ones, in a circle. */
export const isRing = (spec: PcapngSpec): boolean =>
	spec.files !== undefined && spec.fileBytes !== undefined;

/** No file comes after the index-th: -W with -G alone. */
export const isLast = (spec: PcapngSpec, index: number): boolean =>
	spec.files !== undefined && spec.fileBytes === undefined && index + 1 >= spec.files;
