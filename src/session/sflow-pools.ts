/** sample_pool and drops of each data source: what the kernel counted at the taps of an interface. */
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

/** Reading the counters of hundreds of taps may take this much of the time between two readings. */
const SHARE_OF_TIME = 0.1;

const NONE: SourceCounts = { pool: 0, drops: 0 };

export class SflowPools {
	private readonly read: () => TapState[];
	private readonly sources = new Map<number, SourceState>();
	private dueAt = 0;

	constructor(read: () => TapState[]) {
		this.read = read;
	}

	of(ifindex: number): SourceCounts {
		return this.sources.get(ifindex) ?? NONE;
	}

	/** Unless that was just done. */
	refresh(): void {
		if (performance.now() >= this.dueAt) this.now();
	}

	/** The counts of this moment. */
	now(): SourceState[] {
		const start = performance.now();
		this.sources.clear();
		for (const tap of this.read()) this.add(tap);
		const end = performance.now();
		this.dueAt = end + (end - start) / SHARE_OF_TIME;
		return [...this.sources.values()];
	}

	/** Both directions of an interface are one data source. */
	private add({ source, ifindex, ended, ledger }: TapState): void {
		const state = this.sources.get(ifindex) ?? { source, ifindex, ended, pool: 0, drops: 0 };
		state.pool += ledger.seen.frames - ledger.filtered.frames;
		state.drops += ledger.lost.frames;
		state.ended &&= ended;
		this.sources.set(ifindex, state);
	}
}
