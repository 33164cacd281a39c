/** The counters of an interface as sFlow wants them, from what Linux counts. */
import { hasEthernetHeader, hasMacAddress, isUp, type Link } from '../topology/links.ts';
import type { LinkSpeed } from './link-speed.ts';
import { received, sent } from './link-statistics.ts';

export interface WayCounters {
	octets: bigint;
	/** With everything that Linux does not count apart. */
	unicast: number;
	/** Absent: not counted. */
	multicast?: number;
	broadcast?: number;
	discards: number;
	errors: number;
}

/** dot3Stats of RFC 2358, as far as Linux has them; absent: not counted. */
export interface EthernetCounters {
	alignmentErrors?: number;
	fcsErrors?: number;
	lateCollisions?: number;
	excessiveCollisions?: number;
	internalMacTransmitErrors?: number;
	carrierSenseErrors?: number;
	frameTooLongs?: number;
	internalMacReceiveErrors?: number;
}

/** Both directions together. */
export interface VlanCounters {
	vlan: number;
	octets: bigint;
	unicast: number;
	multicast: number;
	discards: number;
}

export interface InterfaceCounters extends LinkSpeed {
	ifIndex: number;
	name: string;
	/** IANAifType-MIB. */
	ifType: number;
	adminUp: boolean;
	operUp: boolean;
	promiscuous: boolean;
	received: WayCounters;
	sent: WayCounters;
	ethernet?: EthernetCounters;
	vlan?: VlanCounters;
}

/** IANAifType-MIB. */
const IfType = {
	other: 1,
	ethernetCsmacd: 6,
	ppp: 23,
	softwareLoopback: 24,
	tunnel: 131,
	l2vlan: 135,
	ieee8023adLag: 161,
	bridge: 209,
} as const;

/** include/uapi/linux/if_arp.h; the last one is of tun and wireguard. */
const IF_TYPE_OF_ARP_TYPE: Record<number, number> = {
	1: IfType.ethernetCsmacd,
	512: IfType.ppp,
	768: IfType.tunnel,
	769: IfType.tunnel,
	772: IfType.softwareLoopback,
	776: IfType.tunnel,
	778: IfType.tunnel,
	823: IfType.tunnel,
	65534: IfType.tunnel,
};

const IF_TYPE_OF_KIND: Record<string, number> = {
	vlan: IfType.l2vlan,
	bond: IfType.ieee8023adLag,
	team: IfType.ieee8023adLag,
	bridge: IfType.bridge,
};

/** RFC 2863, IF_OPER_UP; software devices without a carrier say IF_OPER_UNKNOWN (0). */
const OPER_UP = 6;
const OPER_UNKNOWN = 0;

export const ifType = (link: Link): number =>
	IF_TYPE_OF_KIND[link.kind ?? ''] ?? IF_TYPE_OF_ARP_TYPE[link.arpType] ?? IfType.other;

export function interfaceCounters(link: Link, speed: LinkSpeed): InterfaceCounters {
	const [rx, tx] = [received(link), sent(link)];
	const { rxMulticast } = link.statistics;
	return {
		ifIndex: link.ifindex,
		name: link.name,
		ifType: ifType(link),
		...speed,
		adminUp: isUp(link),
		operUp: link.operState === OPER_UP || (link.operState === OPER_UNKNOWN && isUp(link)),
		promiscuous: link.promiscuity > 0,
		received: {
			octets: rx.bytes,
			unicast: Math.max(0, rx.packets - rxMulticast),
			multicast: rxMulticast,
			discards: rx.dropped,
			errors: rx.errors,
		},
		sent: {
			octets: tx.bytes,
			unicast: tx.packets,
			discards: tx.dropped,
			errors: tx.errors,
		},
		...(isEthernet(link) ? { ethernet: ethernetCounters(link) } : {}),
		...(link.vlan ? { vlan: vlanCounters(link, link.vlan.id) } : {}),
	};
}

const isEthernet = (link: Link): boolean => hasEthernetHeader(link) && hasMacAddress(link);

const ethernetCounters = ({ statistics }: Link): EthernetCounters => ({
	alignmentErrors: statistics.rxFrameErrors,
	fcsErrors: statistics.rxCrcErrors,
	lateCollisions: statistics.txWindowErrors,
	excessiveCollisions: statistics.txAbortedErrors,
	internalMacTransmitErrors: statistics.txFifoErrors,
	carrierSenseErrors: statistics.txCarrierErrors,
	frameTooLongs: statistics.rxLengthErrors,
	internalMacReceiveErrors: statistics.rxFifoErrors,
});

function vlanCounters(link: Link, vlan: number): VlanCounters {
	const [rx, tx] = [received(link), sent(link)];
	const { rxMulticast } = link.statistics;
	return {
		vlan,
		octets: rx.bytes + tx.bytes,
		unicast: Math.max(0, rx.packets - rxMulticast) + tx.packets,
		multicast: rxMulticast,
		discards: rx.dropped + tx.dropped,
	};
}
