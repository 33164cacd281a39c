/**
 * A tunnel as bytes: the headers in front of every copy, as a template, and where in it the mirror
 * port's program (bpf/encap) writes what differs from copy to copy. Layouts: docs/destinations.md.
 */

import { parseAddress } from '../spec/address.ts';
import type {
	ErspanDestination,
	GeneveDestination,
	GreDestination,
	TunnelDestination,
	VxlanDestination,
} from '../spec/destination.ts';

/** Offsets into the header; 0: the format has no such field. */
export interface Encapsulation {
	/** 4 or 6. */
	ipVersion: 4 | 6;
	/** From the Ethernet header (whose addresses are left 0) up to the copied frame. */
	header: Uint8Array;
	udpAt: number;
	sequenceAt: number;
	erspanAt: number;
	metaAt: number;
	erspanVersion: 0 | 2 | 3;
	/** ERSPAN III: nanoseconds. */
	timestampUnit: number;
	symmetric: boolean;
	/** The format says whether the frame was received or sent. */
	saysDirection: boolean;
}

export const ETHERNET_LEN = 14;
const IP_PROTOCOL = { gre: 47, udp: 17 } as const;
const ETHERTYPE = { ipv4: 0x0800, ipv6: 0x86dd } as const;

/** RFC 2784: Transparent Ethernet Bridging; draft-foschiano-erspan: types I and II, type III. */
const GRE_PROTOCOL = { ethernet: 0x6558, erspan2: 0x88be, erspan3: 0x22eb } as const;
const GRE_KEY = 0x2000;
const GRE_SEQUENCE = 0x1000;

export const VXLAN_PORT = 4789;
export const GENEVE_PORT = 6081;

/** RFC 8926 section 3.5: 0xff00 to 0xffff are for experiments. */
const GENEVE_CLASS = 0xff58;
export const GENEVE_OPTION = { session: 1, length: 2, time: 3 } as const;

const u16 = (...values: number[]): number[] => values.flatMap((value) => [value >> 8, value & 255]);
const u32 = (value: number): number[] => u16(value >>> 16, value & 0xffff);

/** What stands between IP and the frame. */
interface Payload {
	protocol: number;
	bytes: number[];
	sequenceAt?: number;
	erspanAt?: number;
	metaAt?: number;
	udp?: boolean;
	fields?: Partial<Encapsulation>;
}

function gre(flags: number, protocol: number, key?: number): Payload {
	const keyBytes = key === undefined ? [] : u32(key);
	const sequence = flags & GRE_SEQUENCE ? u32(0) : [];
	const bytes = [
		...u16(flags | (keyBytes.length ? GRE_KEY : 0), protocol),
		...keyBytes,
		...sequence,
	];
	return {
		protocol: IP_PROTOCOL.gre,
		bytes,
		...(sequence.length ? { sequenceAt: bytes.length - 4 } : {}),
	};
}

function greOf(destination: GreDestination): Payload {
	return gre(destination.sequence ? GRE_SEQUENCE : 0, GRE_PROTOCOL.ethernet, destination.key);
}

/** Version 1; VLAN, class of service and "tag preserved in frame" are the program's. */
function erspanII(session: number, cos: number, index: number): number[] {
	return [...u16(1 << 12, (cos << 13) | session), ...u32(index)];
}

const GRANULARITY = { '100us': { code: 0, ns: 100_000 }, '100ns': { code: 1, ns: 100 } } as const;

/** Version 2; the last word has P (an Ethernet frame is present), hwid and granularity. */
function erspanIII(session: number, cos: number, hwid: number, granularity: number): number[] {
	const last = (1 << 15) | (hwid << 4) | (granularity << 1);
	return [...u16(2 << 12, (cos << 13) | session), ...u32(0), ...u16(0, last)];
}

function erspanOf(destination: ErspanDestination): Payload {
	if (destination.version === 1) return gre(0, GRE_PROTOCOL.erspan2);
	const isThree = destination.version === 3;
	const outer = gre(GRE_SEQUENCE, isThree ? GRE_PROTOCOL.erspan3 : GRE_PROTOCOL.erspan2);
	const { session, cos = 0 } = destination;
	const granularity = GRANULARITY[(isThree && destination.granularity) || '100us'];
	const header = isThree
		? erspanIII(session, cos, destination.hwid ?? 0, granularity.code)
		: erspanII(session, cos, destination.index ?? 0);
	return {
		...outer,
		bytes: [...outer.bytes, ...header],
		erspanAt: outer.bytes.length,
		fields: {
			erspanVersion: isThree ? 3 : 2,
			timestampUnit: isThree ? granularity.ns : 0,
			saysDirection: isThree,
		},
	};
}

/** Source port, length and, over IPv6, checksum are the program's. */
const udpHeader = (port: number): number[] => u16(0, port, 0, 0);

function vxlanOf(destination: VxlanDestination): Payload {
	const { vni, port = VXLAN_PORT, symmetric = false } = destination;
	const header = [...u32(0x0800_0000), ...u32(vni * 256)];
	return {
		protocol: IP_PROTOCOL.udp,
		bytes: [...udpHeader(port), ...header],
		udp: true,
		fields: { symmetric },
	};
}

const option = (type: number, data: number[]): number[] => [
	...u16(GENEVE_CLASS),
	type,
	data.length / 4,
	...data,
];

/** Direction, length and time are the program's (fill_meta in bpf/encap/headers.h). */
const metaOptions = (session: number): number[] => [
	...option(GENEVE_OPTION.session, [...u16(session), 0, 0]),
	...option(GENEVE_OPTION.length, u32(0)),
	...option(GENEVE_OPTION.time, [...u32(0), ...u32(0)]),
];

function geneveOf(destination: GeneveDestination): Payload {
	const { vni, port = GENEVE_PORT, symmetric = false, meta = false } = destination;
	const options = meta ? metaOptions(destination.session ?? 0) : [];
	const header = [...u16((options.length / 4) << 8, GRE_PROTOCOL.ethernet), ...u32(vni * 256)];
	const bytes = [...udpHeader(port), ...header, ...options];
	return {
		protocol: IP_PROTOCOL.udp,
		bytes,
		udp: true,
		...(meta ? { metaAt: bytes.length - options.length } : {}),
		fields: { symmetric, saysDirection: meta },
	};
}

function payloadOf(destination: TunnelDestination): Payload {
	switch (destination.type) {
		case 'gre':
			return greOf(destination);
		case 'erspan':
			return erspanOf(destination);
		case 'vxlan':
			return vxlanOf(destination);
		case 'geneve':
			return geneveOf(destination);
	}
}

/** RFC 791; length, identification and checksum are the program's. Don't Fragment is set. */
function ipv4(source: Uint8Array, target: Uint8Array, ttl: number, dscp: number, protocol: number) {
	return [0x45, dscp << 2, ...u16(0, 0, 0x4000), ttl, protocol, ...u16(0), ...source, ...target];
}

/** RFC 8200; the payload length is the program's. */
function ipv6(source: Uint8Array, target: Uint8Array, ttl: number, dscp: number, protocol: number) {
	return [...u32(0x6000_0000 + dscp * 2 ** 22), ...u16(0), protocol, ttl, ...source, ...target];
}

const DEFAULT_TTL = 64;

export function encapsulate(destination: TunnelDestination): Encapsulation {
	const target = parseAddress(destination.address) as Uint8Array;
	const source = parseAddress(destination.sourceAddress ?? '') ?? new Uint8Array(target.length);
	const isFour = target.length === 4;
	const { ttl = DEFAULT_TTL, dscp = 0 } = destination;
	const payload = payloadOf(destination);
	const header = [
		...new Array<number>(12).fill(0),
		...u16(isFour ? ETHERTYPE.ipv4 : ETHERTYPE.ipv6),
		...(isFour ? ipv4 : ipv6)(source, target, ttl, dscp, payload.protocol),
	];
	const at = (offset: number | undefined) => (offset === undefined ? 0 : header.length + offset);
	return {
		ipVersion: isFour ? 4 : 6,
		header: Uint8Array.from([...header, ...payload.bytes]),
		udpAt: payload.udp ? header.length : 0,
		sequenceAt: at(payload.sequenceAt),
		erspanAt: at(payload.erspanAt),
		metaAt: at(payload.metaAt),
		erspanVersion: 0,
		timestampUnit: 0,
		symmetric: false,
		saysDirection: false,
		...payload.fields,
	};
}
