import { describe, expect, test } from 'vitest';
import { XspanError } from '../../../src/errors.ts';
import {
	parseCount,
	parseDuration,
	parseLimit,
	parseSample,
	parseSize,
} from '../../../src/spec/units.ts';

describe('durations', () => {
	test.each([
		['500ms', 500],
		['30s', 30_000],
		['1.5s', 1500],
		['5m', 300_000],
		['2h', 7_200_000],
		['1d', 86_400_000],
		['10', 10_000],
	])('%s is %d ms', (text, ms) => expect(parseDuration(text)).toBe(ms));

	test.each(['', '0', '0s', '-1s', 's', '5 s', '5x', '1e3', '25d', 'Infinity'])(
		'"%s" is refused',
		(text) => expect(() => parseDuration(text)).toThrow(XspanError),
	);
});

describe('sizes', () => {
	test.each([
		['4096', 4096],
		['512K', 524_288],
		['64M', 67_108_864],
		['64MiB', 67_108_864],
		['1g', 1_073_741_824],
		['1GB', 1_073_741_824],
	])('%s is %d bytes', (text, bytes) => expect(parseSize(text)).toBe(bytes));

	test.each(['', '0', '-1', '1.5M', 'M', '1T', '99999999999999999999'])('"%s" is refused', (text) =>
		expect(() => parseSize(text)).toThrow(XspanError),
	);
});

test('whole numbers keep to their range', () => {
	expect(parseCount('64', 'snaplen', 64, 100)).toBe(64);
	expect(parseCount('100', 'snaplen', 64, 100)).toBe(100);
	for (const text of ['63', '101', '', '1e2', '-64', '64.0', 'many'])
		expect(() => parseCount(text, 'snaplen', 64, 100), text).toThrow(/snaplen/);
});

test.each([
	['1/1000', { mode: 'random', rate: 1000 }],
	['1/1', { mode: 'random', rate: 1 }],
	['every:10', { mode: 'every', rate: 10 }],
])('sampling %s', (text, sample) => expect(parseSample(text)).toEqual(sample));

test.each(['', '1/0', '0', '1000', '1/', '2/3', 'every:0', '1/99999999'])(
	'sampling "%s" is refused',
	(text) => expect(() => parseSample(text)).toThrow(XspanError),
);

test.each([
	['50kpps', { unit: 'frames', perSecond: 50_000 }],
	['1pps', { unit: 'frames', perSecond: 1 }],
	['1.5Mpps', { unit: 'frames', perSecond: 1_500_000 }],
	['100mbit', { unit: 'bits', perSecond: 100_000_000 }],
	['1gbps', { unit: 'bits', perSecond: 1_000_000_000 }],
])('limit %s', (text, limit) => expect(parseLimit(text)).toEqual(limit));

test.each(['', '50', 'pps', '-1pps', '50kpp', '1e3pps'])('limit "%s" is refused', (text) =>
	expect(() => parseLimit(text)).toThrow(XspanError),
);
