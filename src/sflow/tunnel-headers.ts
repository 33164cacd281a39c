/** The headers between an outer IP header and what a tunnel carries, and which devices they are for. */
import { EtherType, IpProtocol, type OuterHeader, u16 } from './headers.ts';

export type Family = OuterHeader['family'];

/** What tells the tunnels of a host apart, beside their addresses. */
export interface TunnelKey {
	kind: 'vxlan' | 'geneve' | 'gre' | 'gretap' | 'ip';
	family: Family;
	/** UDP port, or IP protocol. */
	port: number;
	/** VNI or key; none: GRE without a key. */
	id: number | 'none' | 'any';
}

export interface Encapsulated extends TunnelKey {
	/** Byte of the sampled header at which the inner header begins. */
	innerAt: number;
	vni?: number;
}

const UDP = 8;
const VXLAN = 8;
const VXLAN_HAS_VNI = 0x08;
const GENEVE = 8;
const GRE = 4;
const GRE_FIELD = 4;

/** RFC 2784, 2890 and, of version 1, 2637. */
const GreFlags = { checksum: 0x8000, routing: 0x4000, key: 0x2000, sequence: 0x1000, version: 7 };

/** For a Map. */
export const keyText = ({ kind, family, port, id }: TunnelKey): string =>
	`${kind}/${family}/${port}/${id}`;

/** GRE: bytes of the header with these flags. */
export function greLength(flags: number): number {
	const { checksum, key, sequence } = GreFlags;
	return GRE + [checksum, key, sequence].filter((flag) => flags & flag).length * GRE_FIELD;
}

/** GRE: the key that counts under these flags. */
export const greKey = (flags: number, key: number): number | 'none' =>
	flags & GreFlags.key ? key >>> 0 : 'none';

function inUdp(bytes: Uint8Array, { family, payloadAt }: OuterHeader): Encapsulated[] {
	const port = u16(bytes, payloadAt + 2);
	const at = payloadAt + UDP;
	const [first, vni] = [bytes[at] ?? 0, u16(bytes, at + 4) * 256 + (bytes[at + 6] ?? 0)];
	const common = { family, port, id: vni, vni };
	const found: Encapsulated[] = [];
	if (first & VXLAN_HAS_VNI) found.push({ ...common, kind: 'vxlan', innerAt: at + VXLAN });
	// Version 0; the rest is the length of the options in words.
	if (first < 64) found.push({ ...common, kind: 'geneve', innerAt: at + GENEVE + first * 4 });
	return found;
}

function inGre(bytes: Uint8Array, { family, payloadAt }: OuterHeader): Encapsulated[] {
	const flags = u16(bytes, payloadAt);
	if (flags & (GreFlags.routing | GreFlags.version)) return [];
	const type = u16(bytes, payloadAt + 2);
	const kind = type === EtherType.transparentEthernet ? 'gretap' : 'gre';
	if (kind === 'gre' && type !== EtherType.ipv4 && type !== EtherType.ipv6) return [];
	const keyAt = payloadAt + GRE + (flags & GreFlags.checksum ? GRE_FIELD : 0);
	const id = greKey(flags, u16(bytes, keyAt) * 65_536 + u16(bytes, keyAt + 2));
	const innerAt = payloadAt + greLength(flags);
	return [{ kind, family, port: IpProtocol.gre, id, innerAt }];
}

/** What a frame carries if a device here knows it. Nothing that begins behind the sampled bytes. */
export function encapsulated(bytes: Uint8Array, outer: OuterHeader): Encapsulated[] {
	const { family, protocol: port, payloadAt: innerAt } = outer;
	return carried().filter((each) => each.innerAt < bytes.length);

	function carried(): Encapsulated[] {
		if (port === IpProtocol.udp) return inUdp(bytes, outer);
		if (port === IpProtocol.gre) return inGre(bytes, outer);
		if (port !== IpProtocol.ipv4 && port !== IpProtocol.ipv6) return [];
		return [{ kind: 'ip', family, port, id: 'none', innerAt }];
	}
}
