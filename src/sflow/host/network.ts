/** host_net_io (2006): all traffic of the host, each frame once. */
import { ARPHRD_LOOPBACK, type Link } from '../../topology/links.ts';
import { received, sent, type WayStatistics } from '../link-statistics.ts';
import { begin, CounterRecord, end } from '../structures.ts';
import type { XdrWriter } from '../xdr.ts';

export type NetworkCounters = Record<'received' | 'sent', WayStatistics>;

/**
 * Hardware only (it has no link kind): bridges, bonds, VLANs and tunnels carry the same frames a
 * second time. Where there is none, as in a container, everything but loopback.
 */
function ownLinks(links: readonly Link[]): Link[] {
	const outside = links.filter((link) => link.arpType !== ARPHRD_LOOPBACK);
	const hardware = outside.filter((link) => link.kind === undefined);
	return hardware.length > 0 ? hardware : outside;
}

export const sumNetwork = (links: readonly Link[]): NetworkCounters => {
	const own = ownLinks(links);
	return { received: sum(own.map(received)), sent: sum(own.map(sent)) };
};

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

export function writeNetwork(xdr: XdrWriter, counters: NetworkCounters): void {
	const lengthAt = begin(xdr, CounterRecord.hostNetwork);
	for (const way of [counters.received, counters.sent]) {
		xdr.u64(way.bytes);
		xdr.u32(way.packets);
		xdr.u32(way.errors);
		xdr.u32(way.dropped);
	}
	end(xdr, lengthAt);
}
