/** Tags of sFlow version 5 structures, and how each is framed. https://sflow.org/developers/structures.php */
import type { XdrWriter } from './xdr.ts';

/** opaque = sample_data, enterprise 0. */
export const SampleFormat = {
	flow: 1,
	counters: 2,
	flowExpanded: 3,
	countersExpanded: 4,
} as const;

/** opaque = flow_data, enterprise 0. */
export const FlowRecord = {
	sampledHeader: 1,
	extendedSwitch: 1001,
	extendedRouter: 1002,
	ipv4TunnelEgress: 1023,
	decapsulateEgress: 1027,
	decapsulateIngress: 1028,
	vniEgress: 1029,
	vniIngress: 1030,
	timestamp: 1043,
} as const;

/** opaque = counter_data, enterprise 0. */
export const CounterRecord = {
	generic: 1,
	ethernet: 2,
	vlan: 5,
	portName: 1005,
	hostDescription: 2000,
	hostAdapters: 2001,
	hostParent: 2002,
	hostCpu: 2003,
	hostMemory: 2004,
	hostDisk: 2005,
	hostNetwork: 2006,
	ip: 2007,
	icmp: 2008,
	tcp: 2009,
	udp: 2010,
	virtualNode: 2100,
	virtualCpu: 2101,
	virtualMemory: 2102,
	virtualDisk: 2103,
	virtualNetwork: 2104,
} as const;

/** sFlowDataSource classes (SFLOW-MIB). */
export const SourceClass = {
	ifIndex: 0,
	vlan: 1,
	/** The host itself, and what contains others. */
	physicalEntity: 2,
	/** A container or virtual machine. */
	logicalEntity: 3,
} as const;

/** "If a counter is not available": all bits set (RFC 2233 types, sFlow version 5). */
export const UNKNOWN_COUNTER = 0xffffffff;
/** The same in an unsigned hyper. */
export const UNKNOWN_HYPER = 2n ** 64n - 1n;

/** Writes a tag and leaves room for the length; returns where the length goes. */
export function begin(xdr: XdrWriter, format: number): number {
	xdr.u32(format);
	const lengthAt = xdr.at;
	xdr.u32(0);
	return lengthAt;
}

/** Closes what begin() opened. */
export function end(xdr: XdrWriter, lengthAt: number): void {
	xdr.setU32(lengthAt, xdr.at - lengthAt - 4);
}
