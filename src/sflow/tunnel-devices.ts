/** The tunnel devices of a host: which frames they take and send, as Linux decides it. */
import type { NativeIpTunnel } from '../native.ts';
import { isUp, type Link } from '../topology/links.ts';
import { addressBytes } from './address-bytes.ts';
import { IpProtocol } from './headers.ts';
import { type Family, greKey, greLength, type TunnelKey } from './tunnel-headers.ts';

/** Frames in one direction at the outer side of a device. */
export interface OuterSide {
	keys: TunnelKey[];
	/** Of the outer header; null: any. */
	source: Uint8Array | null;
	destination: Uint8Array | null;
}

/** The outer IPv4 header of a tunnel with two fixed ends. */
export interface FixedOuter {
	source: Uint8Array;
	destination: Uint8Array;
	/** What it may say that is inside: GRE, or the families that the device carries. */
	protocols: readonly number[];
	/** Bytes, the outer IPv4 header included. */
	overhead: number;
	/** Bit 0: that of the packet inside. */
	tos: number;
}

export interface TunnelDevice {
	ifindex: number;
	/** Of everything that the device sends and receives. */
	vni: number | null;
	received: OuterSide;
	sent: OuterSide;
	outer: FixedOuter | null;
}

type Addresses = Pick<NativeIpTunnel, 'local' | 'remote'>;

const IPV4 = 20;
const NOTHING: OuterSide = { keys: [], source: null, destination: null };

const bytesOf = (text: string | undefined): Uint8Array | null => (text ? addressBytes(text) : null);

/** Without any address Linux takes IPv4; "external", it opens sockets for both. */
function familiesOf({ local, remote, external }: NativeIpTunnel): Family[] {
	if (external) return ['ipv4', 'ipv6'];
	return [(remote ?? local ?? '').includes(':') ? 'ipv6' : 'ipv4'];
}

function vniKeys(
	kind: 'vxlan' | 'geneve',
	{ id, port, ...addresses }: NativeIpTunnel & { id: number; port: number },
): TunnelKey[] {
	const each = addresses.external ? 'any' : id;
	return familiesOf(addresses).map((family) => ({ kind, family, port, id: each }));
}

/** Its socket takes what comes to any address; the forwarding database says where frames go. */
function vxlanDevice({ ifindex, vxlan }: Link): TunnelDevice | null {
	if (!vxlan) return null;
	const keys = vniKeys('vxlan', vxlan);
	return {
		ifindex,
		vni: vxlan.external ? null : vxlan.id,
		received: { keys, source: null, destination: null },
		sent: { keys, source: bytesOf(vxlan.local), destination: null },
		outer: null,
	};
}

/** It has one peer, and the address that the route to it gives. */
function geneveDevice({ ifindex, geneve }: Link): TunnelDevice | null {
	if (!geneve) return null;
	const keys = vniKeys('geneve', geneve);
	const remote = bytesOf(geneve.remote);
	return {
		ifindex,
		vni: geneve.external ? null : geneve.id,
		received: { keys, source: remote, destination: null },
		sent: { keys, source: null, destination: remote },
		outer: null,
	};
}

const isIpv6 = ({ kind }: Link): boolean => kind?.startsWith('ip6') === true;

const familyOf = (link: Link): Family => (isIpv6(link) ? 'ipv6' : 'ipv4');

/** Only the devices that are told each packet's addresses and key take any. */
const idOf = ({ external }: NativeIpTunnel, id: TunnelKey['id']): TunnelKey['id'] =>
	external ? 'any' : id;

function sides(
	tunnel: Addresses,
	input: TunnelKey[],
	output: TunnelKey[],
): Pick<TunnelDevice, 'received' | 'sent'> {
	const [local, remote] = [bytesOf(tunnel.local), bytesOf(tunnel.remote)];
	return {
		received: { keys: input, source: remote, destination: local },
		sent: { keys: output, source: local, destination: remote },
	};
}

function fixedOuter(
	link: Link,
	{ local, remote, tos }: NativeIpTunnel,
	protocols: readonly number[],
	header: number,
): FixedOuter | null {
	const [source, destination] = [bytesOf(local), bytesOf(remote)];
	if (isIpv6(link) || !source || !destination) return null;
	return { source, destination, protocols, overhead: IPV4 + header, tos: tos ?? 0 };
}

function greDevice(link: Link): TunnelDevice | null {
	const { gre, ifindex } = link;
	if (!gre) return null;
	const kind = link.kind?.endsWith('tap') ? 'gretap' : 'gre';
	const common = { kind, family: familyOf(link), port: IpProtocol.gre } as const;
	const keys = (flags: number, key: number): TunnelKey[] => [
		{ ...common, id: idOf(gre, greKey(flags, key)) },
	];
	return {
		ifindex,
		vni: null,
		...sides(gre, keys(gre.inputFlags, gre.inputKey), keys(gre.outputFlags, gre.outputKey)),
		outer: fixedOuter(link, gre, [IpProtocol.gre], greLength(gre.outputFlags)),
	};
}

/** A device of kind ipip drops IPv6, also when it is to take "any". */
function familiesInside(kind: string | undefined, protocol: number): number[] {
	const all = kind === 'ipip' ? [IpProtocol.ipv4] : [IpProtocol.ipv4, IpProtocol.ipv6];
	return all.filter((each) => protocol === 0 || each === protocol);
}

function ipDevice(link: Link): TunnelDevice | null {
	const { ipTunnel, ifindex } = link;
	if (!ipTunnel) return null;
	const protocols = familiesInside(link.kind, ipTunnel.protocol);
	const keys = protocols.map((port): TunnelKey => {
		return { kind: 'ip', family: familyOf(link), port, id: idOf(ipTunnel, 'none') };
	});
	return {
		ifindex,
		vni: null,
		...sides(ipTunnel, keys, keys),
		outer: fixedOuter(link, ipTunnel, protocols, 0),
	};
}

/** FOU and GUE have headers of their own in front of those that are looked for here. */
const isPlain = ({ gre, ipTunnel }: Link): boolean => !(gre ?? ipTunnel)?.encapsulation;

/** Its outer frames pass here: it is up, and not moved here from another namespace. */
const hasOuterSide = (link: Link): boolean => isUp(link) && link.linkNetnsid === undefined;

/** null: no tunnel, or none that sFlow has records for. */
export function tunnelDevice(link: Link): TunnelDevice | null {
	const device = vxlanDevice(link) ?? geneveDevice(link) ?? greDevice(link) ?? ipDevice(link);
	if (!device || !isPlain(link)) return null;
	return hasOuterSide(link) ? device : { ...device, received: NOTHING, sent: NOTHING };
}
