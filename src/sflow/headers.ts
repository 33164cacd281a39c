/** Where the headers of a sampled frame lie. */
import type { FlowSample, HeaderProtocol } from './sample.ts';

const MAC_ADDRESSES = 12;
const TYPE = 2;
const TAG = 4;
const IPV6_LENGTH = 40;
const FRAGMENT_OFFSET = 0x1fff;

export const EtherType = {
	ipv4: 0x0800,
	ipv6: 0x86dd,
	vlan: 0x8100,
	providerVlan: 0x88a8,
	transparentEthernet: 0x6558,
} as const;

export const IpProtocol = { ipv4: 4, tcp: 6, udp: 17, ipv6: 41, gre: 47 } as const;

/** Options of IPv6 that say "next header" and their length in the same places. */
const OPTIONS_IPV6 = [0, 43, 60];
const FRAGMENT_IPV6 = 44;

/** What is behind the end reads as 0. */
export const u8 = (bytes: Uint8Array, at: number): number => bytes[at] ?? 0;
export const u16 = (bytes: Uint8Array, at: number): number =>
	(u8(bytes, at) << 8) | u8(bytes, at + 1);

export interface NetworkHeader {
	family: 'ipv4' | 'ipv6';
	/** Byte of the sampled header at which it begins. */
	at: number;
}

function atFirst(type: number, at: number): NetworkHeader | null {
	if (type === EtherType.ipv4) return { family: 'ipv4', at };
	return type === EtherType.ipv6 ? { family: 'ipv6', at } : null;
}

/** The first header of IP, behind any VLAN tags; null: something else. */
export function networkHeader(bytes: Uint8Array, protocol: HeaderProtocol): NetworkHeader | null {
	if (protocol !== 'ethernet') return { family: protocol, at: 0 };
	let at = MAC_ADDRESSES;
	while (u16(bytes, at) === EtherType.vlan || u16(bytes, at) === EtherType.providerVlan) at += TAG;
	return atFirst(u16(bytes, at), at + TYPE);
}

/** Source and destination: views, 4 or 16 bytes. null: they were cut off. */
export function addressesOf(
	bytes: Uint8Array,
	{ family, at }: NetworkHeader,
): { source: Uint8Array; destination: Uint8Array } | null {
	const [from, length] = family === 'ipv4' ? [at + 12, 4] : [at + 8, 16];
	if (bytes.length < from + 2 * length) return null;
	return {
		source: bytes.subarray(from, from + length),
		destination: bytes.subarray(from + length, from + 2 * length),
	};
}

/** DSCP and ECN of the first header of IP; null: something else. */
export function trafficClass({
	header,
	protocol,
}: Pick<FlowSample, 'header' | 'protocol'>): number | null {
	const ip = networkHeader(header, protocol);
	if (!ip) return null;
	return ip.family === 'ipv4' ? u8(header, ip.at + 1) : (u16(header, ip.at) >> 4) & 0xff;
}

/** The header of IP that may be the outer one of a tunnel. */
export interface OuterHeader {
	family: NetworkHeader['family'];
	/** 4 or 16 bytes, parts of the sampled header. */
	source: Uint8Array;
	destination: Uint8Array;
	/** Of what it carries: IpProtocol and others. */
	protocol: number;
	/** Byte of the sampled header at which that begins. */
	payloadAt: number;
}

type Payload = Pick<OuterHeader, 'protocol' | 'payloadAt'>;

function payloadIpv4(bytes: Uint8Array, at: number): Payload | null {
	if (u16(bytes, at + 6) & FRAGMENT_OFFSET) return null;
	return { protocol: u8(bytes, at + 9), payloadAt: at + (u8(bytes, at) & 15) * 4 };
}

function payloadIpv6(bytes: Uint8Array, at: number): Payload | null {
	let protocol = u8(bytes, at + 6);
	let payloadAt = at + IPV6_LENGTH;
	while (OPTIONS_IPV6.includes(protocol) && payloadAt < bytes.length) {
		protocol = u8(bytes, payloadAt);
		payloadAt += 8 + 8 * u8(bytes, payloadAt + 1);
	}
	return protocol === FRAGMENT_IPV6 ? null : { protocol, payloadAt };
}

/** null: no IP, cut off, or a later fragment, which has no header of a tunnel. */
export function outerHeader({
	header,
	protocol,
}: Pick<FlowSample, 'header' | 'protocol'>): OuterHeader | null {
	const ip = networkHeader(header, protocol);
	const addresses = ip && addressesOf(header, ip);
	if (!addresses) return null;
	const { family, at } = ip;
	const payload = family === 'ipv4' ? payloadIpv4(header, at) : payloadIpv6(header, at);
	return payload && { family, ...addresses, ...payload };
}
