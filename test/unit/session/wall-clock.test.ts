/** Timestamps are those of the steady clock; the offset to wall-clock time follows its steps only. */
import { expect, test } from 'vitest';
import { testkit } from '../../harness/testkit.ts';

const SECOND = 1e9;
const WALL = 1_700_000 * SECOND; // small enough for a double to be exact to the nanosecond

test('spacing is that of the steady clock, whatever the jitter of the measurement', () => {
	const times = testkit.wallTimes([
		[0, WALL, 100, 50],
		[1000, WALL + 1000 + 400, 1100, 1050],
		[2000, WALL + 2000 - 300, 2100, 2050],
	]);
	expect(times).toEqual([WALL, WALL + 1000, WALL + 2000]);
});

test('after a step forward, frames carry the new time', () => {
	const times = testkit.wallTimes([
		[0, WALL, 100, 50],
		[1000, WALL + 1000 + 3600 * SECOND, 1100, 1050],
		[2000, WALL + 2000 + 3600 * SECOND, 2100, 2050],
	]);
	expect(times[1]).toBe(WALL + 1000 + 3600 * SECOND);
	expect((times[2] as number) - (times[1] as number)).toBe(1000);
});

test('after a step back too', () => {
	const times = testkit.wallTimes([
		[0, WALL, 100, 50],
		[1000, WALL + 1000 - 5 * SECOND, 1100, 1050],
	]);
	expect(times[1]).toBe(WALL + 1000 - 5 * SECOND);
});

test('a measurement that was interrupted is not a step', () => {
	const times = testkit.wallTimes([
		[0, WALL, 100, 50],
		// 2 ms passed between the two readings: the wall-clock time may belong to any of it
		[1000, WALL + 1000, 2_001_000, 3_000_000],
	]);
	expect(times[1]).toBe(WALL + 2_999_950);
});
