/** Quantities as people write them on a command line. */
import { XspanError } from '../errors.ts';

const DURATION_MS: Record<string, number> = {
	ms: 1,
	s: 1000,
	m: 60_000,
	h: 3_600_000,
	d: 86_400_000,
};
const SIZE: Record<string, number> = { '': 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30 };

/** setTimeout's largest delay, 24.8 days. */
const LONGEST_MS = 2 ** 31 - 1;

function badValue(what: string, text: string, expected: string): XspanError {
	return new XspanError('usage', 'bad_value', `${what} "${text}" is not valid`, { hint: expected });
}

/** "500ms", "30s", "5m", "2h", "1d", or plain seconds. Milliseconds, more than 0. */
export function parseDuration(text: string, what = 'duration'): number {
	const match = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)?$/.exec(text);
	const ms = match ? Number(match[1]) * (DURATION_MS[match[2] ?? 's'] as number) : 0;
	if (ms < 1 || ms > LONGEST_MS)
		throw badValue(what, text, 'write a number and ms, s, m, h or d: 500ms, 30s, 5m; at most 24d');
	return Math.round(ms);
}

/** "65536", "512K", "64M", "1GiB": bytes, powers of 1024. */
export function parseSize(text: string, what = 'size'): number {
	const match = /^(\d+)([kmg]?)(?:i?b)?$/i.exec(text);
	const bytes = match ? Number(match[1]) * (SIZE[(match[2] ?? '').toLowerCase()] as number) : 0;
	if (!Number.isSafeInteger(bytes) || bytes < 1)
		throw badValue(
			what,
			text,
			'write a number of bytes, with K, M or G for powers of 1024: 512K, 64M',
		);
	return bytes;
}

/** A whole number in [min, max]. */
export function parseCount(text: string, what: string, min: number, max: number): number {
	const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
	if (!(value >= min && value <= max))
		throw badValue(what, text, `write a whole number from ${min} to ${max}`);
	return value;
}
