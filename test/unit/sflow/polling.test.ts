import { expect, test } from 'vitest';
import { PollSchedule } from '../../../src/sflow/polling.ts';

const INTERVAL = 20_000;

/** Goes from one due time to the next; when each key was due. */
function run(
	schedule: PollSchedule<number>,
	fromMs: number,
	untilMs: number,
): Map<number, number[]> {
	const polls = new Map<number, number[]>();
	let now = fromMs;
	for (;;) {
		const delay = schedule.delay(now);
		if (delay === null || now + delay >= untilMs) return polls;
		now += delay;
		for (const key of schedule.due(now)) polls.set(key, [...(polls.get(key) ?? []), now]);
	}
}

test('each source once in an interval, at the same distance', () => {
	const schedule = new PollSchedule<number>(INTERVAL);
	for (let key = 0; key < 256; key++) schedule.add(key, 1000);
	const polls = run(schedule, 1000, 1000 + 5 * INTERVAL);
	expect(polls.size).toBe(256);
	for (const times of polls.values()) {
		expect(times).toHaveLength(5);
		expect((times[0] as number) - 1000).toBeLessThan(INTERVAL);
		for (const [i, time] of times.entries())
			expect(time).toBeCloseTo((times[0] as number) + i * INTERVAL, 6);
	}
});

test.each([2, 3, 17, 256])('%d sources are spread over the interval', (count) => {
	const schedule = new PollSchedule<number>(INTERVAL);
	for (let key = 0; key < count; key++) schedule.add(key, 0);
	const times = [...run(schedule, 0, INTERVAL).values()].map(([first]) => first as number);
	times.sort((a, b) => a - b);
	const gaps = times.map((time, i) => (times[i + 1] ?? (times[0] as number) + INTERVAL) - time);
	expect(times).toHaveLength(count);
	// Three sizes of gaps, by the three-distance theorem; none is far from even.
	expect(Math.max(...gaps)).toBeLessThan((INTERVAL / count) * 2);
	expect(Math.min(...gaps)).toBeGreaterThan((INTERVAL / count) * 0.3);
});

test('a source that comes is polled soon, one that goes not any more', () => {
	const schedule = new PollSchedule<number>(INTERVAL);
	schedule.add(1, 0);
	schedule.add(2, 0);
	schedule.remove(1);
	schedule.add(3, 5000);
	const polls = run(schedule, 5000, 5000 + INTERVAL);
	expect([...polls.keys()].sort()).toEqual([2, 3]);
});

test('adding twice changes nothing', () => {
	const schedule = new PollSchedule<number>(INTERVAL);
	schedule.add(1, 0);
	schedule.add(1, 15_000);
	expect(schedule.delay(0)).toBe(0);
});

test('polls that a sleeping machine missed are left out', () => {
	const schedule = new PollSchedule<number>(INTERVAL);
	schedule.add(1, 0);
	expect(schedule.due(10 * INTERVAL + 1)).toEqual([1]);
	expect(schedule.due(10 * INTERVAL + 1)).toEqual([]);
	expect(schedule.delay(10 * INTERVAL + 1)).toBe(INTERVAL - 1);
});

test('nothing to poll', () => {
	expect(new PollSchedule<number>(INTERVAL).delay(0)).toBeNull();
});
