/** Keeps samples/s below a maximum: the rate backs off by powers of two, and recovers slowly. */
export interface AdaptiveRateOptions {
	/** The rate that was asked for: 1 in so many. */
	rate: number;
	/** Samples/s. */
	most: number;
	/** The rate never exceeds this. */
	rateMost: number;
}

/** Halving the rate doubles the samples: only when that still leaves a fifth of the room. */
const RECOVERY_LOAD = 0.4;

/** So many calm observations in a row before each step back. */
const CALM_OBSERVATIONS = 5;

export class AdaptiveRate {
	private readonly options: AdaptiveRateOptions;
	/** Of the rate that was asked for; a power of two. */
	private factor = 1;
	private calm = 0;

	constructor(options: AdaptiveRateOptions) {
		this.options = options;
	}

	/** The rate in force: 1 in so many. */
	get rate(): number {
		return this.options.rate * this.factor;
	}

	/** Tells how many samples came in so many seconds. Returns the rate from now on. */
	observe(samples: number, seconds: number): number {
		const load = samples / seconds / this.options.most;
		if (load > 1) this.backOff(load);
		else if (load <= RECOVERY_LOAD && this.factor > 1) this.recover();
		else this.calm = 0;
		return this.rate;
	}

	private backOff(load: number): void {
		this.calm = 0;
		for (let left = load; left > 1; left /= 2) {
			if (this.rate * 2 > this.options.rateMost) return;
			this.factor *= 2;
		}
	}

	private recover(): void {
		if (++this.calm < CALM_OBSERVATIONS) return;
		this.calm = 0;
		this.factor /= 2;
	}
}
