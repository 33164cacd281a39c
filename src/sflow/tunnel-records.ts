/** Records of an end of a tunnel (sFlow Tunnel Structures, https://sflow.org/sflow_tunnels.txt). */
import type { OuterIpv4, TunnelEnd } from './sample.ts';
import { begin, end, FlowRecord } from './structures.ts';
import type { XdrWriter } from './xdr.ts';

/** Structures of one number: inner_header_offset or vni. */
const NUMBERS = [
	'decapsulateEgress',
	'decapsulateIngress',
	'vniEgress',
	'vniIngress',
] as const satisfies (keyof TunnelEnd & keyof typeof FlowRecord)[];

/** How many records writeTunnel() writes. */
export function tunnelRecords(tunnel: TunnelEnd): number {
	let count = tunnel.ipv4Egress ? 1 : 0;
	for (const field of NUMBERS) if (tunnel[field] !== undefined) count++;
	return count;
}

/** @param frameLength of what was sampled, without FCS */
export function writeTunnel(xdr: XdrWriter, tunnel: TunnelEnd, frameLength: number): void {
	if (tunnel.ipv4Egress) writeIpv4Egress(xdr, tunnel.ipv4Egress, frameLength);
	for (const field of NUMBERS) {
		const value = tunnel[field];
		if (value !== undefined) writeNumber(xdr, FlowRecord[field], value);
	}
}

function writeNumber(xdr: XdrWriter, format: number, value: number): void {
	const lengthAt = begin(xdr, format);
	xdr.u32(value);
	end(xdr, lengthAt);
}

/** A sampled_ipv4: the outer header as it will be. */
function writeIpv4Egress(xdr: XdrWriter, outer: OuterIpv4, frameLength: number): void {
	const lengthAt = begin(xdr, FlowRecord.ipv4TunnelEgress);
	xdr.u32(outer.overhead + frameLength);
	xdr.u32(outer.protocol);
	xdr.fixed(outer.source);
	xdr.fixed(outer.destination);
	for (let field = 0; field < 3; field++) xdr.u32(0); // neither ports nor TCP flags
	xdr.u32(outer.tos);
	end(xdr, lengthAt);
}
