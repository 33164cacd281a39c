/** The consumer's end of the drain thread: filled slabs one by one, each given back after use. */

import { UserCounts, type UserLostReason } from '../ledger.ts';
import {
	type DrainFormat,
	type NativeDrain,
	type NativeMaps,
	type NativeSlab,
	native,
} from '../native.ts';

export interface Slab extends NativeSlab {
	/** The slab's memory. Valid until the slab is given back. */
	buffer: ArrayBuffer;
	/** Frames and bytes per tap. */
	counts: Float64Array;
}

export class SlabReader {
	readonly counts: UserCounts;
	private readonly drain: NativeDrain;
	private readonly buffers: ArrayBuffer[];
	private readonly tapCounts: Float64Array[];
	private wake: (() => void) | null = null;
	private abandoned = false;
	private interrupted = false;

	constructor(maps: NativeMaps, taps: number, format: DrainFormat) {
		this.counts = new UserCounts(taps);
		this.drain = new native.Drain(maps, format, () => this.wake?.());
		this.buffers = this.drain.buffers();
		const at = native.slabLayout.countsAt;
		this.tapCounts = this.buffers.map((buffer) => new Float64Array(buffer, at, 2 * taps));
	}

	/** The next filled slab, or null when the session has ended and all were taken. */
	async next(): Promise<Slab | null> {
		for (;;) {
			// finished must be read first: what was handed over before it is then in the queue
			const finished = this.drain.finished();
			const taken = this.abandoned || this.interrupted ? null : this.drain.take();
			if (taken) return this.slab(taken);
			if (finished || this.abandoned || this.interrupted) return null;
			await new Promise<void>((resolve) => {
				this.wake = resolve;
			});
			this.wake = null;
		}
	}

	delivered(slab: Slab): void {
		this.counts.addDelivered(slab.counts);
	}

	lost(slab: Slab, reason: UserLostReason): void {
		this.counts.addLost(reason, slab.counts);
	}

	/** The slab's memory is free for other frames. */
	giveBack(slab: Slab): void {
		this.drain.giveBack(slab.slab);
	}

	/** Lets next() return null, now and ever after. What is left stays where it is until abandon(). */
	interrupt(): void {
		this.interrupted = true;
		this.wake?.();
	}

	/** No more frames will come: hand over what is left. next() then returns null. */
	finish(): void {
		this.drain.finish();
	}

	/**
	 * Nobody reads any more: count what is left as lost. Only after the taps are detached: what comes
	 * later is not counted.
	 */
	abandon(reason: UserLostReason): void {
		if (this.abandoned) return;
		this.counts.addLost(reason, this.drain.abandon());
		for (let taken = this.drain.take(); taken; taken = this.drain.take())
			this.lost(this.slab(taken), reason);
		this.abandoned = true;
		this.wake?.();
	}

	close(): void {
		this.drain.close();
	}

	private slab(taken: NativeSlab): Slab {
		return {
			...taken,
			buffer: this.buffers[taken.slab] as ArrayBuffer,
			counts: this.tapCounts[taken.slab] as Float64Array,
		};
	}
}
