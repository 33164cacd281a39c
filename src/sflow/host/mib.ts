/**
 * MIB-II groups (2007 to 2010) from /proc/net/snmp: of IPv4, and of TCP and UDP over both. They are
 * of one network namespace.
 */
import type { RecordWriter } from '../counter-sample.ts';
import { textOf } from '../proc.ts';
import { begin, CounterRecord, end, UNKNOWN_COUNTER } from '../structures.ts';

/** By "Ip.InReceives". */
export type MibCounters = ReadonlyMap<string, number>;

/** The structures, in the names of /proc/net/snmp. icmpInTimestampReps has no place in 2008. */
const GROUPS = {
	[CounterRecord.ip]: group(
		'Ip',
		'Forwarding DefaultTTL InReceives InHdrErrors InAddrErrors ForwDatagrams InUnknownProtos ' +
			'InDiscards InDelivers OutRequests OutDiscards OutNoRoutes ReasmTimeout ReasmReqds ' +
			'ReasmOKs ReasmFails FragOKs FragFails FragCreates',
	),
	[CounterRecord.icmp]: group(
		'Icmp',
		'InMsgs InErrors InDestUnreachs InTimeExcds InParmProbs InSrcQuenchs InRedirects InEchos ' +
			'InEchoReps InTimestamps InAddrMasks InAddrMaskReps OutMsgs OutErrors OutDestUnreachs ' +
			'OutTimeExcds OutParmProbs OutSrcQuenchs OutRedirects OutEchos OutEchoReps ' +
			'OutTimestamps OutTimestampReps OutAddrMasks OutAddrMaskReps',
	),
	[CounterRecord.tcp]: group(
		'Tcp',
		'RtoAlgorithm RtoMin RtoMax MaxConn ActiveOpens PassiveOpens AttemptFails EstabResets ' +
			'CurrEstab InSegs OutSegs RetransSegs InErrs OutRsts InCsumErrors',
	),
	[CounterRecord.udp]: group(
		'Udp',
		'InDatagrams NoPorts InErrors OutDatagrams RcvbufErrors SndbufErrors InCsumErrors',
	),
};

function group(name: string, fields: string): string[] {
	return fields.split(' ').map((field) => `${name}.${field}`);
}

/** Pairs of lines: the names, then the values. */
export function parseSnmp(text: string): MibCounters {
	const counters = new Map<string, number>();
	const lines = text.split('\n');
	for (let i = 0; i + 1 < lines.length; i += 2) {
		const [head, ...names] = (lines[i] as string).split(' ');
		const values = (lines[i + 1] as string).split(' ').slice(1);
		for (const [column, name] of names.entries())
			counters.set(`${head?.slice(0, -1)}.${name}`, Number(values[column]));
	}
	return counters;
}

/** Of this namespace. */
export const readMib = (): MibCounters => parseSnmp(textOf('/proc/net/snmp') ?? '');

export const mibRecords = (counters: MibCounters): RecordWriter[] =>
	Object.entries(GROUPS).map(([format, fields]) => (xdr) => {
		const lengthAt = begin(xdr, Number(format));
		for (const field of fields) xdr.u32(counters.get(field) ?? UNKNOWN_COUNTER);
		end(xdr, lengthAt);
	});
