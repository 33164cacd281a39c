/** Where the IP header of a sampled frame is. */
import type { HeaderProtocol } from './sample.ts';

const MAC_ADDRESSES = 12;
const TAG = 4;

const EtherType = { ipv4: 0x0800, ipv6: 0x86dd, vlan: 0x8100, providerVlan: 0x88a8 } as const;

export interface IpHeader {
	version: 4 | 6;
	/** Its offset in the sampled bytes. */
	at: number;
}

const u16 = (bytes: Uint8Array, at: number): number =>
	((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);

/** null: it is not IP. */
export function ipHeaderOf(bytes: Uint8Array, protocol: HeaderProtocol): IpHeader | null {
	if (protocol === 'ipv4') return { version: 4, at: 0 };
	if (protocol === 'ipv6') return { version: 6, at: 0 };
	let at = MAC_ADDRESSES;
	while (u16(bytes, at) === EtherType.vlan || u16(bytes, at) === EtherType.providerVlan) at += TAG;
	const type = u16(bytes, at);
	if (type === EtherType.ipv4) return { version: 4, at: at + 2 };
	return type === EtherType.ipv6 ? { version: 6, at: at + 2 } : null;
}

/** Source and destination: views, 4 or 16 bytes. null: they were cut off. */
export function addressesOf(
	bytes: Uint8Array,
	{ version, at }: IpHeader,
): { source: Uint8Array; destination: Uint8Array } | null {
	const [from, length] = version === 4 ? [at + 12, 4] : [at + 8, 16];
	if (bytes.length < from + 2 * length) return null;
	return {
		source: bytes.subarray(from, from + length),
		destination: bytes.subarray(from + length, from + 2 * length),
	};
}
