import { describe, expect, test } from 'vitest';
import { fileName, formatTime, isLast } from '../../../src/sinks/file-names.ts';
import type { PcapngSpec } from '../../../src/spec/spec.ts';

const TIME = new Date(2026, 10, 20, 9, 5, 3);
const names = (spec: PcapngSpec, count: number) =>
	Array.from({ length: count }, (_, index) => fileName(spec, index, TIME));

test('strftime conversions', () => {
	expect(formatTime('%Y-%m-%d %H:%M:%S %F %T %y %% %Q', TIME)).toBe(
		'2026-11-20 09:05:03 2026-11-20 09:05:03 26 % %Q',
	);
	expect(formatTime('%s', TIME)).toBe(String(TIME.getTime() / 1000));
});

describe('names', () => {
	test('without rotation the path is taken as it is', () => {
		expect(names({ path: '100%d.pcapng' }, 1)).toEqual(['100%d.pcapng']);
	});

	test('-C: a number behind all but the first', () => {
		expect(names({ path: 'x', fileBytes: 1e6 }, 3)).toEqual(['x', 'x1', 'x2']);
	});

	test('-C -W: a circle, with as many digits as it takes', () => {
		expect(names({ path: 'x', fileBytes: 1e6, files: 3 }, 5)).toEqual([
			'x0',
			'x1',
			'x2',
			'x0',
			'x1',
		]);
		expect(names({ path: 'x', fileBytes: 1e6, files: 11 }, 2)).toEqual(['x00', 'x01']);
	});

	test('-G: the time, and a number where there is no time in the name', () => {
		expect(names({ path: 'x-%H%M', filePeriodMs: 1000 }, 1)).toEqual(['x-0905']);
		expect(names({ path: 'x', filePeriodMs: 1000 }, 2)).toEqual(['x', 'x1']);
	});
});

test('-W with -G ends the session, with -C it does not', () => {
	expect(isLast({ path: 'x', filePeriodMs: 1000, files: 2 }, 0)).toBe(false);
	expect(isLast({ path: 'x', filePeriodMs: 1000, files: 2 }, 1)).toBe(true);
	expect(isLast({ path: 'x', fileBytes: 1e6, files: 2 }, 7)).toBe(false);
	expect(isLast({ path: 'x', filePeriodMs: 1000 }, 99)).toBe(false);
});
