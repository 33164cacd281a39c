import { expect, test } from 'vitest';
import { sumLedgers } from '../../../src/ledger.ts';
import type { TapState } from '../../../src/session/session.ts';
import { SflowPools, sourceStates } from '../../../src/session/sflow-pools.ts';
import type { FrameView } from '../../../src/sinks/frames.ts';

const frame = (passed: number, lostBefore = 0): FrameView =>
	({ passed, lostBefore }) as unknown as FrameView;

test('each sample carries what came before it, over all taps of its interface', () => {
	const pools = new SflowPools();
	expect(pools.count(2, frame(10))).toEqual({ pool: 10, drops: 0 });
	expect(pools.count(3, frame(7, 2))).toEqual({ pool: 7, drops: 2 });
	expect(pools.count(2, frame(1))).toEqual({ pool: 11, drops: 0 });
	expect(pools.count(2, frame(5, 3))).toEqual({ pool: 16, drops: 3 });
});

function tap(direction: 'rx' | 'tx', seen: number, filtered: number, lost: number): TapState {
	const ledger = sumLedgers([]);
	ledger.seen.frames = seen;
	ledger.filtered.frames = filtered;
	ledger.lost.frames = lost;
	return { source: 'eth0', ifindex: 2, direction, hook: 'tcx', ended: direction === 'rx', ledger };
}

test('both directions of an interface are one source, which lives as long as one of them', () => {
	expect(sourceStates([tap('rx', 100, 40, 1), tap('tx', 10, 0, 2)])).toEqual([
		{ source: 'eth0', ifindex: 2, ended: false, pool: 70, drops: 3 },
	]);
});
