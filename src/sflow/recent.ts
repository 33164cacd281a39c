/** What the kernel is asked for while samples need it: at most once a second. */

const LIFE_MS = 1000;

/** Reading takes at most one part in so many of the time, however long a table is. */
const SHARE = 20;

export class Recent<T> {
	private readonly read: () => T;
	private value: T | undefined;
	private until = Number.NEGATIVE_INFINITY;

	/** @param read asks the kernel */
	constructor(read: () => T) {
		this.read = read;
	}

	/**
	 * As it was at most a second ago.
	 * @param now by performance.now(), which itself costs as much as a look at a small table
	 */
	get(now: number): T {
		if (this.value === undefined || now >= this.until) {
			const begun = performance.now();
			this.value = this.read();
			const done = performance.now();
			this.until = done + Math.max(LIFE_MS, (done - begun) * SHARE);
		}
		return this.value;
	}
}
