import type { Link } from '../../src/topology/links.ts';

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
		statistics: {
			rxFrames: 0,
			rxBytes: 0,
			rxDropped: 0,
			txFrames: 0,
			txBytes: 0,
			txDropped: 0,
		},
		...more,
	};
}

/** Of a host where no name needs another namespace. */
export const noTopology = (): never => {
	throw new Error('nobody should have looked into other namespaces');
};
