/** Sampling and rate limit, as the kernel does them. Statistical bounds are six standard errors. */
import { describe, expect, test } from 'vitest';
import { udpFrame } from '../harness/frames.ts';
import { LoadedTap } from '../harness/loaded-tap.ts';

const FRAME = udpFrame(64);
const SMALL = { snaplen: 64, ringBytes: 4096 } as const;

/** Sampled: delivered or lost to the small ring. */
function sampledOf(tap: LoadedTap): { pool: number; sampled: number } {
	const { seen, sampled_out: passed } = tap.kernelLedger();
	return { pool: seen.frames, sampled: seen.frames - passed.frames };
}

describe('random sampling', () => {
	test.each([2, 10, 1000])('1/%d: the mean is right', (rate) => {
		const pool = 2_000_000;
		const tap = new LoadedTap({ hook: 'tcx', sample: { mode: 'random', rate }, ...SMALL });
		tap.run(FRAME, pool);
		const { pool: seen, sampled } = sampledOf(tap);
		tap.close();
		const p = 1 / rate;
		const standardError = Math.sqrt(pool * p * (1 - p));
		expect(seen).toBe(pool);
		expect(Math.abs(sampled - pool * p)).toBeLessThan(6 * standardError);
	});

	test('one decision says nothing about the next', () => {
		const runs = 20_000;
		const tap = new LoadedTap({ hook: 'tcx', sample: { mode: 'random', rate: 2 }, ...SMALL });
		const decisions: number[] = [];
		for (let i = 0, before = 0; i < runs; i++) {
			tap.run(FRAME);
			const { sampled } = sampledOf(tap);
			decisions.push(sampled - before - 0.5);
			before = sampled;
		}
		tap.close();
		for (const lag of [1, 2, 3]) {
			const products = decisions.slice(lag).map((value, i) => value * (decisions[i] as number));
			const correlation = products.reduce((sum, each) => sum + each, 0) / products.length / 0.25;
			expect(Math.abs(correlation), `lag ${lag}`).toBeLessThan(6 / Math.sqrt(products.length));
		}
	});

	test('1/1 copies everything', () => {
		const tap = new LoadedTap({ hook: 'xdp', sample: { mode: 'random', rate: 1 }, ...SMALL });
		tap.run(FRAME, 1000);
		expect(sampledOf(tap)).toEqual({ pool: 1000, sampled: 1000 });
		tap.close();
	});
});

test.each([1, 7, 100])('every:%d is exact', (rate) => {
	const tap = new LoadedTap({ hook: 'tcx', sample: { mode: 'every', rate }, ...SMALL });
	tap.run(FRAME, 700);
	expect(sampledOf(tap)).toEqual({ pool: 700, sampled: Math.floor(700 / rate) });
	tap.close();
});

describe('rate limit, offered many times as much', () => {
	/** What 5 ms of the limit allow may come at once: the default burst. */
	const BURST_MS = 5;

	/**
	 * Bytes and frames within the first second after the first one, by their own timestamps, and how
	 * much of that second nothing was offered in: this process may be put aside for longer than the
	 * burst can make good.
	 */
	async function firstSecond(tap: LoadedTap) {
		for (const begin = Date.now(); Date.now() < begin + 1300; ) tap.run(FRAME, 100_000);
		const frames = await tap.captured();
		const start = frames[0]?.timeMs as number;
		expect(frames.at(-1)?.timeMs as number).toBeGreaterThan(start + 1000);
		const first = frames.filter((frame) => frame.timeMs < start + 1000);
		const times = [...first.map((frame) => frame.timeMs), start + 1000];
		const idleMs = times
			.slice(1)
			.map((time, i) => time - (times[i] as number) - BURST_MS)
			.reduce((sum, gap) => sum + Math.max(0, gap), 0);
		const bytes = first.reduce((sum, each) => sum + each.wireLength, 0);
		return { frames: first.length, bytes, offeredSeconds: 1 - idleMs / 1000 };
	}

	test.each([1000, 50_000, 200_000])('%d frames/s, within 2 %%', async (perSecond) => {
		const limit = { unit: 'frames', perSecond } as const;
		const tap = new LoadedTap({ hook: 'tcx', limit, snaplen: 64, ringBytes: 1 << 26 });
		const { frames, offeredSeconds } = await firstSecond(tap);
		expect(frames / perSecond).toBeLessThan(1.02);
		expect(frames / perSecond).toBeGreaterThan(offeredSeconds - 0.02);
	});

	test('10 Mbit/s, within 2 %', async () => {
		const limit = { unit: 'bits', perSecond: 10_000_000 } as const;
		const tap = new LoadedTap({ hook: 'tcx', limit, snaplen: 64, ringBytes: 1 << 26 });
		const { bytes, offeredSeconds } = await firstSecond(tap);
		expect((8 * bytes) / 10_000_000).toBeLessThan(1.02);
		expect((8 * bytes) / 10_000_000).toBeGreaterThan(offeredSeconds - 0.02);
	});

	test('what exceeds it is counted, and the burst comes at once', () => {
		const limit = { unit: 'frames', perSecond: 1, burst: 5 } as const;
		const tap = new LoadedTap({ hook: 'xdp', limit, ...SMALL });
		tap.run(FRAME, 1000);
		const ledger = tap.kernelLedger();
		tap.close();
		expect(ledger.seen.frames).toBe(1000);
		expect(ledger.delivered.frames).toBe(5);
		expect(ledger.rate_limited).toEqual({ frames: 995, bytes: 995 * 64 });
	});
});

test('filter, sampling and limit, in this order', () => {
	const selection = {
		filter: 'udp port 9',
		sample: { mode: 'every', rate: 10 },
		limit: { unit: 'frames', perSecond: 1, burst: 3 },
	} as const;
	const tap = new LoadedTap({ hook: 'tcx', ...selection, ...SMALL });
	tap.run(udpFrame(64, { port: 7 }), 50);
	tap.run(FRAME, 100);
	const ledger = tap.kernelLedger();
	tap.close();
	expect(ledger.seen.frames).toBe(150);
	expect(ledger.filtered.frames).toBe(50);
	expect(ledger.sampled_out.frames).toBe(90);
	expect(ledger.rate_limited.frames).toBe(7);
	expect(ledger.delivered.frames).toBe(3);
	expect(ledger.in_flight).toEqual({ frames: 0, bytes: 0 });
});

test.each([
	['inbound', 'rx', 0],
	['outbound', 'rx', 1],
	['inbound', 'tx', 1],
	['outbound and udp', 'tx', 0],
	['outbound and tcp', 'tx', 1],
] as const)('"%s" at a tap of what is %s: %d filtered', (filter, direction, filtered) => {
	const tap = new LoadedTap({ hook: 'tcx', direction, filter, ...SMALL });
	tap.run(FRAME);
	const ledger = tap.kernelLedger();
	tap.close();
	expect([ledger.seen.frames, ledger.filtered.frames]).toEqual([1, filtered]);
});
