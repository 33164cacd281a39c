import type { NativeStatistics } from '../../src/native.ts';
import type { Link } from '../../src/topology/links.ts';

/** Counters at zero, unless said otherwise. */
export function statistics(more: Partial<NativeStatistics> = {}): NativeStatistics {
	return {
		rxFrames: 0,
		rxBytes: 0n,
		rxMulticast: 0,
		rxDropped: 0,
		rxMissed: 0,
		rxErrors: 0,
		rxLengthErrors: 0,
		rxCrcErrors: 0,
		rxFrameErrors: 0,
		rxFifoErrors: 0,
		txFrames: 0,
		txBytes: 0n,
		txDropped: 0,
		txErrors: 0,
		txAbortedErrors: 0,
		txCarrierErrors: 0,
		txFifoErrors: 0,
		txWindowErrors: 0,
		...more,
	};
}

/** An interface as netlink would describe it: Ethernet and up, unless said otherwise. */
export function link(name: string, ifindex: number, more: Partial<Link> = {}): Link {
	return {
		name,
		ifindex,
		arpType: 1,
		flags: 1,
		mtu: 1500,
		address: '02:00:00:00:00:01',
		promiscuity: 0,
		allmulti: 0,
		operState: 6,
		statistics: statistics(),
		...more,
	};
}

/** Of a host where no name needs another namespace. */
export const noTopology = (): never => {
	throw new Error('nobody should have looked into other namespaces');
};
