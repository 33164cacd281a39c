/** What a super-frame becomes on a wire. */
import { IpProtocol, networkHeader } from './headers.ts';
import type { FlowSample, HeaderProtocol } from './sample.ts';

const IPV6 = 40;
const UDP = 8;

export interface SegmentLengths {
	/** Of each frame but the last. */
	each: number;
	last: number;
}

/** The headers of each segment; null: neither TCP nor UDP over IP without options of IPv6. */
function headersLength(bytes: Uint8Array, protocol: HeaderProtocol): number | null {
	const ip = networkHeader(bytes, protocol);
	if (!ip) return null;
	return ip.family === 'ipv4' ? behindIpv4(bytes, ip.at) : behindIpv6(bytes, ip.at);
}

const behindIpv4 = (bytes: Uint8Array, ip: number): number | null =>
	upToPayload(bytes, ip + ((bytes[ip] ?? 0) & 15) * 4, bytes[ip + 9]);

const behindIpv6 = (bytes: Uint8Array, ip: number): number | null =>
	upToPayload(bytes, ip + IPV6, bytes[ip + 6]);

function upToPayload(bytes: Uint8Array, at: number, protocol: number | undefined): number | null {
	if (protocol === IpProtocol.udp) return at + UDP;
	if (protocol === IpProtocol.tcp) return at + ((bytes[at + 12] ?? 0) >> 4) * 4;
	return null;
}

/**
 * The lengths of the frames that a super-frame stands for. Where its headers are not understood (in a
 * tunnel), its bytes are shared out evenly.
 * @param payload of each segment but the last
 */
export function segmentLengths(
	{ header, protocol }: Pick<FlowSample, 'header' | 'protocol'>,
	length: number,
	segments: number,
	payload: number,
): SegmentLengths {
	const headers = headersLength(header, protocol);
	const last = headers === null ? 0 : length - (segments - 1) * payload;
	if (headers !== null && last > headers && last <= headers + payload)
		return { each: headers + payload, last };
	const each = Math.floor(length / segments);
	return { each, last: length - (segments - 1) * each };
}
