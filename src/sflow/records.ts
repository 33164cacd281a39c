/** Records of flow samples (sFlow version 5, flow_data). */
import type { FlowSample, HeaderProtocol, RouterHop, VlanHop } from './sample.ts';
import { begin, end, FlowRecord } from './structures.ts';
import type { XdrWriter } from './xdr.ts';

/** Bytes of the frame check sequence, which no tap sees but every Ethernet frame has. */
const FCS = 4;

const HEADER_PROTOCOL: Record<HeaderProtocol, number> = { ethernet: 1, ipv4: 11, ipv6: 12 };

const ADDRESS_TYPE = { ipv4: 1, ipv6: 2 } as const;

/** The union "address": its type and 4 or 16 bytes. */
export function writeAddress(xdr: XdrWriter, address: Uint8Array): void {
	xdr.u32(address.length === 4 ? ADDRESS_TYPE.ipv4 : ADDRESS_TYPE.ipv6);
	xdr.fixed(address);
}

/**
 * sampled_header (1). frame_length is that on the wire: with the FCS on Ethernet, which then counts
 * as stripped.
 */
export function writeSampledHeader(xdr: XdrWriter, sample: FlowSample, most: number): void {
	const fcs = sample.protocol === 'ethernet' ? FCS : 0;
	const lengthAt = begin(xdr, FlowRecord.sampledHeader);
	xdr.u32(HEADER_PROTOCOL[sample.protocol]);
	xdr.u32(sample.frameLength + fcs);
	xdr.u32(fcs);
	xdr.opaque(sample.header, Math.min(sample.header.length, most));
	end(xdr, lengthAt);
}

/** extended_switch (1001). */
export function writeSwitch(xdr: XdrWriter, vlan: VlanHop): void {
	const lengthAt = begin(xdr, FlowRecord.extendedSwitch);
	xdr.u32(vlan.sourceVlan);
	xdr.u32(vlan.sourcePriority);
	xdr.u32(vlan.destinationVlan);
	xdr.u32(vlan.destinationPriority);
	end(xdr, lengthAt);
}

/** extended_router (1002). */
export function writeRouter(xdr: XdrWriter, router: RouterHop): void {
	const lengthAt = begin(xdr, FlowRecord.extendedRouter);
	writeAddress(xdr, router.nextHop);
	xdr.u32(router.sourceMask);
	xdr.u32(router.destinationMask);
	end(xdr, lengthAt);
}

/** Timestamp in ns since 1970 UTC (1043). */
export function writeTimestamp(xdr: XdrWriter, timestampNs: bigint): void {
	const lengthAt = begin(xdr, FlowRecord.timestamp);
	xdr.u64(timestampNs);
	end(xdr, lengthAt);
}
