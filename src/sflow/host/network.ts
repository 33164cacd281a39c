/** host_net_io (2006): all traffic of the host, each frame once; virt_net_io (2104) looks the same. */
import { ARPHRD_LOOPBACK, type Link } from '../../topology/links.ts';
import { received, sent, type WayStatistics } from '../link-statistics.ts';
import { begin, CounterRecord, end } from '../structures.ts';
import type { XdrWriter } from '../xdr.ts';

export type NetworkCounters = Record<'received' | 'sent', WayStatistics>;

const outside = (links: readonly Link[]): Link[] =>
	links.filter((link) => link.arpType !== ARPHRD_LOOPBACK);

/**
 * Hardware only (it has no link kind): bridges, bonds, VLANs and tunnels carry the same frames a
 * second time. Where there is none, as in a container, everything but loopback.
 */
function ownLinks(links: readonly Link[]): Link[] {
	const hardware = outside(links).filter((link) => link.kind === undefined);
	return hardware.length > 0 ? hardware : outside(links);
}

const sumLinks = (links: readonly Link[]): NetworkCounters => ({
	received: sum(links.map(received)),
	sent: sum(links.map(sent)),
});

export const sumNetwork = (links: readonly Link[]): NetworkCounters => sumLinks(ownLinks(links));

/** Everything but loopback. */
export const sumOutside = (links: readonly Link[]): NetworkCounters => sumLinks(outside(links));

const sum = (ways: readonly WayStatistics[]): WayStatistics =>
	ways.reduce(
		(a, b) => ({
			bytes: a.bytes + b.bytes,
			packets: a.packets + b.packets,
			errors: a.errors + b.errors,
			dropped: a.dropped + b.dropped,
		}),
		{ bytes: 0n, packets: 0, errors: 0, dropped: 0 },
	);

export function writeNetwork(
	xdr: XdrWriter,
	counters: NetworkCounters,
	format: number = CounterRecord.hostNetwork,
): void {
	const lengthAt = begin(xdr, format);
	for (const way of [counters.received, counters.sent]) {
		xdr.u64(way.bytes);
		xdr.u32(way.packets);
		xdr.u32(way.errors);
		xdr.u32(way.dropped);
	}
	end(xdr, lengthAt);
}
