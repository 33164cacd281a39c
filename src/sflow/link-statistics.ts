/** One direction of an interface, from the counters of the kernel. */
import type { Link } from '../topology/links.ts';

export interface WayStatistics {
	bytes: bigint;
	packets: number;
	errors: number;
	dropped: number;
}

/** Dropped are also frames for which the device had no room, as /proc/net/dev adds them up. */
export const received = ({ statistics }: Link): WayStatistics => ({
	bytes: statistics.rxBytes,
	packets: statistics.rxFrames,
	errors: statistics.rxErrors,
	dropped: statistics.rxDropped + statistics.rxMissed,
});

export const sent = ({ statistics }: Link): WayStatistics => ({
	bytes: statistics.txBytes,
	packets: statistics.txFrames,
	errors: statistics.txErrors,
	dropped: statistics.txDropped,
});
