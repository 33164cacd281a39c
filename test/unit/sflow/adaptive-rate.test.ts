import fc from 'fast-check';
import { expect, test } from 'vitest';
import { AdaptiveRate } from '../../../src/sflow/adaptive-rate.ts';

const controller = (rateMost = 2 ** 24) => new AdaptiveRate({ rate: 100, most: 5000, rateMost });

/** Seconds of steady traffic; the rate after each. */
function seconds(control: AdaptiveRate, framesPerSecond: number, count: number): number[] {
	return Array.from({ length: count }, () => control.observe(framesPerSecond / control.rate, 1));
}

test('below the maximum the rate is the one that was asked for', () => {
	expect(seconds(controller(), 500_000, 100)).toEqual(Array(100).fill(100));
});

test('above, it backs off at once, by as many powers of two as it takes', () => {
	expect(seconds(controller(), 500_001, 3)).toEqual([200, 200, 200]);
	expect(seconds(controller(), 3_000_000, 3)).toEqual([800, 800, 800]);
});

test('it recovers in steps, each after five calm seconds', () => {
	const control = controller();
	seconds(control, 2_000_000, 1);
	expect(control.rate).toBe(400);
	expect(seconds(control, 100_000, 12)).toEqual([
		400, 400, 400, 400, 200, 200, 200, 200, 200, 100, 100, 100,
	]);
});

test('a burst in between starts the calm anew', () => {
	const control = controller();
	seconds(control, 1_000_000, 1);
	seconds(control, 100_000, 4);
	seconds(control, 900_000, 1);
	expect(seconds(control, 100_000, 5)).toEqual([200, 200, 200, 200, 100]);
});

test('it does not swing: what just fits after backing off is not tried with twice as much', () => {
	fc.assert(
		fc.property(fc.integer({ min: 1, max: 100_000_000 }), (framesPerSecond) => {
			const control = controller();
			const rates = seconds(control, framesPerSecond, 60);
			expect(new Set(rates).size).toBe(1);
			expect(framesPerSecond / control.rate).toBeLessThanOrEqual(5000);
		}),
	);
});

test('it never exceeds the largest rate there is', () => {
	const control = controller(1000);
	seconds(control, 1e9, 10);
	expect(control.rate).toBe(800);
});

test('a longer time with as many samples is less load', () => {
	const control = controller();
	expect(control.observe(10_000, 2)).toBe(100);
	expect(control.observe(10_001, 2)).toBe(200);
});
