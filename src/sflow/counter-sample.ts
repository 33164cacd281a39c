/** counters_sample (2) and counters_sample_expanded (4), and the records of interfaces in them. */
import type { DataSource } from './data-source.ts';
import { writeSourceId } from './flow-sample.ts';
import type { EthernetCounters, InterfaceCounters, VlanCounters } from './interface-counters.ts';
import { begin, CounterRecord, end, SampleFormat, UNKNOWN_COUNTER } from './structures.ts';
import type { XdrWriter } from './xdr.ts';

/** Linux allows interface names of 15 bytes; ifName allows 255. */
const PORT_NAME_MOST = 255;

const DIRECTION = { unknown: 0, full: 1, half: 2 } as const;

/** A record of a counter sample: writes itself, tag and length included. */
export type RecordWriter = (xdr: XdrWriter) => void;

/** Writes a sample of some records and counts it. */
export function writeCounterSample(
	xdr: XdrWriter,
	source: DataSource,
	expanded: boolean,
	records: readonly RecordWriter[],
): void {
	const format = expanded ? SampleFormat.countersExpanded : SampleFormat.counters;
	const lengthAt = begin(xdr, format);
	xdr.u32(++source.counterSequence);
	writeSourceId(xdr, source, expanded);
	xdr.u32(records.length);
	for (const write of records) write(xdr);
	end(xdr, lengthAt);
}

/** The records of an interface: generic, Ethernet and VLAN where they apply, and its name. */
export function interfaceRecords(counters: InterfaceCounters): RecordWriter[] {
	const { ethernet, vlan } = counters;
	return [
		(xdr) => writeGeneric(xdr, counters),
		...(ethernet ? [(xdr: XdrWriter) => writeEthernet(xdr, ethernet)] : []),
		...(vlan ? [(xdr: XdrWriter) => writeVlan(xdr, vlan)] : []),
		(xdr) => writePortName(xdr, counters.name),
	];
}

/** if_counters (1), 88 bytes. */
function writeGeneric(xdr: XdrWriter, counters: InterfaceCounters): void {
	const lengthAt = begin(xdr, CounterRecord.generic);
	xdr.u32(counters.ifIndex);
	xdr.u32(counters.ifType);
	xdr.u64(BigInt(counters.speedBps));
	xdr.u32(DIRECTION[counters.duplex]);
	xdr.u32((counters.adminUp ? 1 : 0) | (counters.operUp ? 2 : 0));
	for (const way of [counters.received, counters.sent]) {
		xdr.u64(way.octets);
		xdr.u32(way.unicast);
		xdr.u32(way.multicast ?? UNKNOWN_COUNTER);
		xdr.u32(way.broadcast ?? UNKNOWN_COUNTER);
		xdr.u32(way.discards);
		xdr.u32(way.errors);
		if (way === counters.received) xdr.u32(UNKNOWN_COUNTER); // ifInUnknownProtos
	}
	xdr.u32(counters.promiscuous ? 1 : 0);
	end(xdr, lengthAt);
}

/** ethernet_counters (2), 52 bytes, in the order of the structure (RFC 2358). */
const ETHERNET_ORDER: readonly (keyof EthernetCounters | null)[] = [
	'alignmentErrors',
	'fcsErrors',
	null, // dot3StatsSingleCollisionFrames
	null, // dot3StatsMultipleCollisionFrames
	null, // dot3StatsSQETestErrors
	null, // dot3StatsDeferredTransmissions
	'lateCollisions',
	'excessiveCollisions',
	'internalMacTransmitErrors',
	'carrierSenseErrors',
	'frameTooLongs',
	'internalMacReceiveErrors',
	null, // dot3StatsSymbolErrors
];

function writeEthernet(xdr: XdrWriter, counters: EthernetCounters): void {
	const lengthAt = begin(xdr, CounterRecord.ethernet);
	for (const field of ETHERNET_ORDER)
		xdr.u32((field === null ? undefined : counters[field]) ?? UNKNOWN_COUNTER);
	end(xdr, lengthAt);
}

/** vlan_counters (5), 28 bytes. */
function writeVlan(xdr: XdrWriter, counters: VlanCounters): void {
	const lengthAt = begin(xdr, CounterRecord.vlan);
	xdr.u32(counters.vlan);
	xdr.u64(counters.octets);
	xdr.u32(counters.unicast);
	xdr.u32(counters.multicast);
	xdr.u32(UNKNOWN_COUNTER); // broadcastPkts
	xdr.u32(counters.discards);
	end(xdr, lengthAt);
}

/** port_name (1005). */
function writePortName(xdr: XdrWriter, name: string): void {
	const lengthAt = begin(xdr, CounterRecord.portName);
	xdr.string(name, PORT_NAME_MOST);
	end(xdr, lengthAt);
}
