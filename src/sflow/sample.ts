/** A sampled frame with what is known about its way: what the kernel side delivers. */
import type { Port } from './ports.ts';

/** header_protocol of sampled_header: what the header bytes begin with. */
export type HeaderProtocol = 'ethernet' | 'ipv4' | 'ipv6';

/** extended_switch (1001). A frame without a tag has VLAN 0, priority 0. */
export interface VlanHop {
	sourceVlan: number;
	/** 802.1p, 0 to 7. */
	sourcePriority: number;
	destinationVlan: number;
	destinationPriority: number;
}

/** extended_router (1002). */
export interface RouterHop {
	/** 4 or 16 bytes. */
	nextHop: Uint8Array;
	/** Prefix lengths of the routes; 0: not known. */
	sourceMask: number;
	destinationMask: number;
}

/** The IPv4 header that this host puts in front of what was sampled: extended_ipv4_tunnel_egress (1023). */
export interface OuterIpv4 {
	/** 4 bytes each. */
	source: Uint8Array;
	destination: Uint8Array;
	/** Of IP, behind this header: 47 (GRE), 4 or 41 (IP). None of them has ports. */
	protocol: number;
	/** DSCP and ECN. */
	tos: number;
	/** Bytes in front of what was sampled, this header included. */
	overhead: number;
}

/**
 * What this host, as an end of a tunnel, does with the frame (sFlow Tunnel Structures, 2012). "ingress"
 * and "egress" say on which side of this host the frame is, or was, as described.
 */
export interface TunnelEnd {
	/** 1027: takes the outer headers off. Byte of `header` at which the inner header begins. */
	decapsulateEgress?: number;
	/** 1028: has put the outer headers on. Byte of `header` at which the inner header begins. */
	decapsulateIngress?: number;
	/** 1029: VXLAN or GENEVE network in which it leaves. */
	vniEgress?: number;
	/** 1030: VXLAN or GENEVE network in which it came. */
	vniIngress?: number;
	/** 1023: what is put in front of it. */
	ipv4Egress?: OuterIpv4;
}

export interface FlowSample {
	/** ifIndex of the interface that was observed: the data source. */
	source: number;
	direction: 'rx' | 'tx';
	protocol: HeaderProtocol;
	/** The first bytes of the frame, VLAN tags in place. At least as many as are to be exported. */
	header: Uint8Array;
	/** Bytes on a wire, VLAN tags included, FCS not; of a super-frame: of each of its frames. */
	frameLength: number;
	/** The last frame of a super-frame is shorter. */
	lastLength?: number;
	/**
	 * Frames on a wire that it stands for: more than 1 for a super-frame of GSO or GRO. All of them
	 * were drawn together, and each is exported as a sample.
	 */
	segments: number;
	input: Port;
	output: Port;
	/** Nanoseconds since 1970-01-01 UTC. */
	timestampNs: bigint;
	vlan?: VlanHop;
	router?: RouterHop;
	tunnel?: TunnelEnd;
	/** 1 in so many, as it was when this frame was drawn. */
	rate: number;
	/** Frames of the data source that could have been sampled so far, this one included: counted. */
	pool: number;
	/** Samples of the data source that the kernel side lost so far. */
	drops: number;
}
