/**
 * Where bridges send what they receive, as their tables are: the decision of net/bridge/br_input.c,
 * repeated for a frame that was seen in front of it.
 */
import { type Native, native } from '../native.ts';
import { type Link, readLinks } from '../topology/links.ts';
import { u8, u16 } from './headers.ts';
import { discarded, multiple, type Port, UNKNOWN_PORT } from './ports.ts';

/** include/uapi/linux/if_bridge.h */
const BR_STATE_FORWARDING = 3;
const BRIDGE_VLAN_INFO_PVID = 2;

/** sFlow: "unknown", of the reasons for a discarded packet. */
const DROPPED = discarded(256);

const VLANS = 4096;
const ETHERNET_HEADER = 14;

const BROADCAST = 0xffff_ffff_ffff;

/** 01:80:c2:00:00:0x (IEEE 802.1Q, table 8-1): for the bridge's host, which may pass some on. */
const RESERVED = 0x0180_c200_0000;

/** 01:00:5e:00:00:00/40 and 33:33:00:00:00:01: snooping leaves them alone. */
const LOCAL_IPV4_GROUPS = 0x0100_5e00_0000;
const ALL_IPV6_NODES = 0x3333_0000_0001;

/** What is read of the kernel. */
export interface BridgeTables extends Pick<Native, 'forwardingTable' | 'bridgeVlans'> {
	links(): readonly Link[];
}

interface Vlans {
	members: Set<number>;
	/** Of frames without a tag; null: they are not taken. */
	untagged: number | null;
}

interface Bridge {
	ifindex: number;
	/** null: it takes no notice of VLANs. */
	vlanProtocol: number | null;
	/** Groups of IP leave only where somebody wants them. */
	snoops: boolean;
	ports: BridgePort[];
}

interface BridgePort extends NonNullable<Link['bridgePort']> {
	ifindex: number;
	bridge: Bridge;
}

type Flood = 'flood' | 'multicastFlood' | 'broadcastFlood';

const macOf = (bytes: Uint8Array): number =>
	u16(bytes, 0) * 2 ** 32 + u16(bytes, 2) * 2 ** 16 + u16(bytes, 4);

const isGroup = (bytes: Uint8Array): boolean => (u8(bytes, 0) & 1) !== 0;

/** A group of which a snooping bridge knows who wants it. */
function isSnooped(bytes: Uint8Array, mac: number): boolean {
	const isIpv4 = u16(bytes, 0) === 0x0100 && u8(bytes, 2) === 0x5e;
	if (isIpv4) return mac - LOCAL_IPV4_GROUPS >= 256;
	return u16(bytes, 0) === 0x3333 && mac !== ALL_IPV6_NODES;
}

function readVlans(rows: Float64Array): Map<number, Vlans> {
	const all = new Map<number, Vlans>();
	for (let at = 0; at < rows.length; at += 3) {
		const [ifindex, vlan, flags] = rows.subarray(at, at + 3) as unknown as [number, number, number];
		const vlans = all.get(ifindex) ?? { members: new Set(), untagged: null };
		vlans.members.add(vlan);
		if (flags & BRIDGE_VLAN_INFO_PVID) vlans.untagged = vlan;
		all.set(ifindex, vlans);
	}
	return all;
}

/** By bridge and VLAN, then by MAC address. */
type Entries = Map<number, Map<number, number>>;

function readEntries(rows: Float64Array): Entries {
	const all: Entries = new Map();
	for (let at = 0; at < rows.length; at += 4) {
		const key = (rows[at] as number) * VLANS + (rows[at + 1] as number);
		const entries = all.get(key) ?? new Map<number, number>();
		entries.set(rows[at + 2] as number, rows[at + 3] as number);
		all.set(key, entries);
	}
	return all;
}

function readPorts(links: readonly Link[]): Map<number, BridgePort> {
	const bridges = new Map<number, Bridge>();
	for (const { ifindex, bridge } of links) {
		if (!bridge) continue;
		const { vlanFiltering, vlanProtocol = null, multicastSnooping, querier } = bridge;
		bridges.set(ifindex, {
			ifindex,
			vlanProtocol: vlanFiltering ? vlanProtocol : null,
			snoops: multicastSnooping === true && querier === true,
			ports: [],
		});
	}
	const ports = new Map<number, BridgePort>();
	for (const { ifindex, master, bridgePort } of links) {
		const bridge = bridges.get(master ?? 0);
		if (!bridge || !bridgePort) continue;
		const port = { ...bridgePort, ifindex, bridge };
		bridge.ports.push(port);
		ports.set(ifindex, port);
	}
	return ports;
}

/** All bridges of this namespace, as they were when it was made. */
export class BridgePorts {
	private readonly ports: Map<number, BridgePort>;
	private readonly entries: Entries;
	private readonly vlans: Map<number, Vlans>;

	constructor(tables: BridgeTables = { ...native, links: readLinks }) {
		this.ports = readPorts(tables.links());
		const ports = [...this.ports.values()];
		this.entries = ports.length > 0 ? readEntries(tables.forwardingTable()) : new Map();
		const filters = ports.some(({ bridge }) => bridge.vlanProtocol !== null);
		this.vlans = filters ? readVlans(tables.bridgeVlans()) : new Map();
	}

	/**
	 * Where a frame goes that an interface received.
	 * @param frame with its VLAN tag
	 * @returns UNKNOWN_PORT where no bridge decides, or not by what is known here
	 */
	outputOf(ifindex: number, frame: Uint8Array): Port {
		const from = this.ports.get(ifindex);
		if (!from || frame.length < ETHERNET_HEADER) return UNKNOWN_PORT;
		const mac = macOf(frame);
		if (from.locked || (mac >= RESERVED && mac < RESERVED + 16)) return UNKNOWN_PORT;
		if (from.state !== BR_STATE_FORWARDING) return DROPPED;
		const vlan = this.vlanOf(from, frame);
		if (vlan === null) return DROPPED;
		if (isGroup(frame)) return this.groupOutput(from, frame, mac, vlan);
		const to = this.entries.get(from.bridge.ifindex * VLANS + vlan)?.get(mac);
		if (to === undefined) return this.flooded(from, vlan, 'flood');
		if (to === from.bridge.ifindex) return to;
		const port = this.ports.get(to);
		if (!port) return UNKNOWN_PORT; // it has just become one
		return this.passes(from, port, vlan) ? to : DROPPED;
	}

	private groupOutput(from: BridgePort, frame: Uint8Array, mac: number, vlan: number): Port {
		if (mac === BROADCAST) return this.flooded(from, vlan, 'broadcastFlood');
		if (from.bridge.snoops && isSnooped(frame, mac)) return UNKNOWN_PORT;
		return this.flooded(from, vlan, 'multicastFlood');
	}

	/** 0: the bridge takes no notice of VLANs; null: it does not take this one from that port. */
	private vlanOf({ ifindex, bridge }: BridgePort, frame: Uint8Array): number | null {
		if (bridge.vlanProtocol === null) return 0;
		const vlans = this.vlans.get(ifindex);
		const tag = u16(frame, 12) === bridge.vlanProtocol ? u16(frame, 14) % VLANS : 0;
		const vlan = tag === 0 ? vlans?.untagged : tag;
		return vlan && vlans?.members.has(vlan) ? vlan : null;
	}

	/** Through every port that takes part; groups to the bridge's host as well. */
	private flooded(from: BridgePort, vlan: number, how: Flood): Port {
		const { ifindex, ports } = from.bridge;
		const out = ports.filter((to) => to[how] && this.passes(from, to, vlan));
		const targets = out.map((to) => to.ifindex);
		if (how !== 'flood' && this.isMember(from.bridge, ifindex, vlan)) targets.push(ifindex);
		const [only, ...others] = targets;
		if (only === undefined) return DROPPED;
		return others.length > 0 ? multiple(0) : only;
	}

	/** should_deliver() of net/bridge/br_forward.c */
	private passes(from: BridgePort, to: BridgePort, vlan: number): boolean {
		if (to.state !== BR_STATE_FORWARDING) return false;
		if (to === from && !from.hairpin) return false;
		if (to.isolated && from.isolated) return false;
		return this.isMember(to.bridge, to.ifindex, vlan);
	}

	private isMember({ vlanProtocol }: Bridge, ifindex: number, vlan: number): boolean {
		return vlanProtocol === null || this.vlans.get(ifindex)?.members.has(vlan) === true;
	}
}
