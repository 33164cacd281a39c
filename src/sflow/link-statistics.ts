/** What the kernel counts of every interface: /proc/net/dev of this network namespace. */
import { readFileSync } from 'node:fs';

export interface WayStatistics {
	bytes: bigint;
	packets: number;
	errors: number;
	/** Received: with rx_missed_errors, which no queue of the device had room for. */
	dropped: number;
}

export interface LinkStatistics {
	received: WayStatistics;
	sent: WayStatistics;
	/** Received frames to group addresses. */
	multicast: number;
}

/** Columns of /proc/net/dev, see dev_seq_printf_stats() in net/core/net-procfs.c. */
const COLUMN = { received: 0, multicast: 7, sent: 8 } as const;

function way(columns: readonly string[], first: number): WayStatistics {
	const number = (column: number): number => Number(columns[first + column]);
	return {
		bytes: BigInt(columns[first] as string),
		packets: number(1),
		errors: number(2),
		dropped: number(3),
	};
}

/** By the name of the interface. */
export function parseNetDev(text: string): Map<string, LinkStatistics> {
	const links = new Map<string, LinkStatistics>();
	for (const line of text.split('\n')) {
		const match = /^\s*(\S+):\s*(\d[\d\s]*)$/.exec(line);
		if (!match) continue;
		const columns = (match[2] as string).trim().split(/\s+/);
		links.set(match[1] as string, {
			received: way(columns, COLUMN.received),
			sent: way(columns, COLUMN.sent),
			multicast: Number(columns[COLUMN.multicast]),
		});
	}
	return links;
}

export const readLinkStatistics = (): Map<string, LinkStatistics> =>
	parseNetDev(readFileSync('/proc/net/dev', 'utf8'));
