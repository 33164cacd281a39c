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
	/** 1 in so many, as it was when this frame was drawn. */
	rate: number;
	/** Frames of the data source that could have been sampled so far, this one included: counted. */
	pool: number;
	/** Samples of the data source that the kernel side lost so far. */
	drops: number;
}
