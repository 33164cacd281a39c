import { writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { FileNames, formatTime } from '../../../src/sinks/file-names.ts';
import type { PcapngSpec } from '../../../src/spec/spec.ts';
import { Lab } from '../../harness/lab.ts';

const TIME = new Date(2026, 10, 20, 9, 5, 3);
const LATER = new Date(2026, 10, 20, 10, 5, 3);

const named = (spec: PcapngSpec, times: Date[]) => {
	const names = new FileNames(spec);
	return times.map((time) => names.next(time).path);
};
const again = (count: number): Date[] => new Array(count).fill(TIME);

test('strftime conversions', () => {
	expect(formatTime('%Y-%m-%d %H:%M:%S %F %T %y %% %Q', TIME)).toBe(
		'2026-11-20 09:05:03 2026-11-20 09:05:03 26 % %Q',
	);
	expect(formatTime('%s', TIME)).toBe(String(TIME.getTime() / 1000));
});

describe('names', () => {
	test('without rotation the path is taken as it is', () => {
		expect(named({ path: '100%d.pcapng' }, again(1))).toEqual(['100%d.pcapng']);
	});

	test('-C: a number behind all but the first', () => {
		expect(named({ path: 'x', fileBytes: 1e6 }, again(3))).toEqual(['x', 'x1', 'x2']);
	});

	test('-C -W: a circle, with as many digits as it takes', () => {
		expect(named({ path: 'x', fileBytes: 1e6, files: 3 }, again(5))).toEqual([
			'x0',
			'x1',
			'x2',
			'x0',
			'x1',
		]);
		expect(named({ path: 'x', fileBytes: 1e6, files: 11 }, again(2))).toEqual(['x00', 'x01']);
	});

	test('-G: the time, and a number where the name would repeat', () => {
		const spec = { path: 'x-%H', filePeriodMs: 1000 };
		expect(named(spec, [TIME, TIME, LATER, LATER, TIME])).toEqual([
			'x-09',
			'x-091',
			'x-10',
			'x-101',
			'x-092',
		]);
		expect(named({ path: 'x', filePeriodMs: 1000 }, again(2))).toEqual(['x', 'x1']);
	});

	test('-C -G -W: numbers begin again with the time', () => {
		const spec = { path: 'x-%H.', filePeriodMs: 1000, fileBytes: 1e6, files: 2 };
		expect(named(spec, [TIME, TIME, TIME, LATER])).toEqual([
			'x-09.0',
			'x-09.1',
			'x-09.0',
			'x-10.0',
		]);
	});
});

test('only what the session itself wrote may be overwritten', () => {
	const names = new FileNames({ path: 'x', fileBytes: 1e6, files: 2 });
	expect([1, 2, 3].map(() => names.next(TIME).isOwn)).toEqual([false, false, true]);
});

test('-W with -G ends the session, with -C it does not', () => {
	const ending = new FileNames({ path: 'x', filePeriodMs: 1000, files: 2 });
	ending.next(TIME);
	expect(ending.isLast).toBe(false);
	ending.next(TIME);
	expect(ending.isLast).toBe(true);
	const circle = new FileNames({ path: 'x', fileBytes: 1e6, files: 1 });
	circle.next(TIME);
	expect(circle.isLast).toBe(false);
});

test("somebody else's file in the circle is found before the capture begins", async () => {
	await using lab = new Lab();
	const path = `${lab.directory()}/x`;
	const spec = { path, fileBytes: 1e6, files: 3 };
	expect(new FileNames(spec).foreignFile()).toBeNull();
	writeFileSync(`${path}2`, '');
	expect(new FileNames(spec).foreignFile()).toBe(`${path}2`);
});
