/** sample_pool and drops of each data source: what the kernel counted at the taps of an interface. */
import type { FrameView } from '../sinks/frames.ts';
import type { TapState } from './session.ts';

export interface SourceCounts {
	/** Frames that could have been sampled: seen, and not rejected by the filter. */
	pool: number;
	/** Samples that were lost on the way to the agent. */
	drops: number;
}

export interface SourceState extends SourceCounts {
	source: string;
	ifindex: number;
	ended: boolean;
}

/** The counts at the moment of each sample: every frame says what came before it. */
export class SflowPools {
	private readonly sources = new Map<number, SourceCounts>();

	/** Counts a frame of an interface, either direction. The result is valid until the next one. */
	count(ifindex: number, frame: FrameView): SourceCounts {
		const counts = this.sources.get(ifindex) ?? { pool: 0, drops: 0 };
		counts.pool += frame.passed;
		counts.drops += frame.lostBefore;
		this.sources.set(ifindex, counts);
		return counts;
	}
}

/** The counts of this moment. Both directions of an interface are one data source. */
export function sourceStates(taps: readonly TapState[]): SourceState[] {
	const sources = new Map<number, SourceState>();
	for (const { source, ifindex, ended, ledger } of taps) {
		const state = sources.get(ifindex) ?? { source, ifindex, ended, pool: 0, drops: 0 };
		state.pool += ledger.seen.frames - ledger.filtered.frames;
		state.drops += ledger.lost.frames;
		state.ended &&= ended;
		sources.set(ifindex, state);
	}
	return [...sources.values()];
}
