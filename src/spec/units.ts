/** Quantities as people write them on a command line. */
import { XspanError } from '../errors.ts';
import { type RateLimit, SAMPLE_RATE_MAX, type Sample } from './spec.ts';

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

const RATE: Record<string, number> = { '': 1, k: 1e3, m: 1e6, g: 1e9 };

/** "1/1000" (random) or "every:1000". */
export function parseSample(text: string): Sample {
	const match = /^(1\/|every:)(\d+)$/.exec(text);
	const rate = match ? Number(match[2]) : 0;
	if (rate < 1 || rate > SAMPLE_RATE_MAX)
		throw badValue(
			'sampling',
			text,
			`write 1/N for a random one in N, or every:N; N from 1 to ${SAMPLE_RATE_MAX}`,
		);
	return { mode: match?.[1] === '1/' ? 'random' : 'every', rate };
}

/** "50kpps" (frames/s) or "100mbit" (bits/s); powers of 1000. */
export function parseLimit(text: string): RateLimit {
	const match = /^(\d+(?:\.\d+)?)([kmg]?)(pps|fps|bps|bit|bit\/s)$/i.exec(text);
	if (!match)
		throw badValue(
			'limit',
			text,
			'write frames per second as 50kpps, or bits per second as 100mbit',
		);
	const unit =
		/ps$/i.test(match[3] as string) && !/^bps$/i.test(match[3] as string) ? 'frames' : 'bits';
	return {
		unit,
		perSecond: Number(match[1]) * (RATE[(match[2] as string).toLowerCase()] as number),
	};
}
