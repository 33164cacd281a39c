/** When each source's counters are due: spread over the interval, so that not all come at once. */

/** Its multiples leave no large gap in [0, 1), however many there are. */
const GOLDEN = 0.618_033_988_749_895;

export class PollSchedule<Key> {
	private readonly intervalMs: number;
	private readonly nextMs = new Map<Key, number>();
	private added = 0;

	constructor(intervalMs: number) {
		this.intervalMs = intervalMs;
	}

	/** The first time is within an interval from now; then once in each. */
	add(key: Key, nowMs: number): void {
		if (this.nextMs.has(key)) return;
		const phase = (this.added++ * GOLDEN) % 1;
		this.nextMs.set(key, nowMs + phase * this.intervalMs);
	}

	remove(key: Key): void {
		this.nextMs.delete(key);
	}

	/** What is due, in the order in which it became so. Polls that were missed are left out. */
	due(nowMs: number): Key[] {
		const due = [...this.nextMs].filter(([, next]) => next <= nowMs);
		for (const [key, next] of due) {
			const missed = Math.floor((nowMs - next) / this.intervalMs);
			this.nextMs.set(key, next + (missed + 1) * this.intervalMs);
		}
		return due.sort(([, a], [, b]) => a - b).map(([key]) => key);
	}

	/** Milliseconds until something is due; null: nothing is polled. */
	delay(nowMs: number): number | null {
		let next = Number.POSITIVE_INFINITY;
		for (const each of this.nextMs.values()) next = Math.min(next, each);
		return next === Number.POSITIVE_INFINITY ? null : Math.max(0, next - nowMs);
	}
}
