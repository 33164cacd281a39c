/** Where a bridge of this host sends a frame that one of its ports receives. */
import { type NativeBridgeEntry, native } from '../native.ts';
import { type Link, readLinks } from '../topology/links.ts';
import { discarded, multiple, type Port, UNKNOWN_PORT } from './ports.ts';

/** What is known is as old as this at most. */
const FRESH_MS = 1000;

/** include/uapi/linux/if_bridge.h */
const BR_STATE_FORWARDING = 3;

/** sFlow version 5, reasons of discarded packets: unknown. */
const REASON_UNKNOWN = 256;

/** 802.1Q: 01:80:c2:00:00:00 to 0f, which a bridge does not forward. */
const LINK_LOCAL_GROUPS = 0x0180c2000000;
const LINK_LOCAL_COUNT = 16;

const GROUP_BIT = 2 ** 40;
const isGroup = (address: number): boolean => Math.floor(address / GROUP_BIT) % 2 === 1;
const isLinkLocalGroup = (address: number): boolean =>
	address >= LINK_LOCAL_GROUPS && address < LINK_LOCAL_GROUPS + LINK_LOCAL_COUNT;

interface BridgePort {
	bridge: number;
	forwards: boolean;
	hairpin: boolean;
	/** Of frames without a tag; null: the bridge does not look at VLANs. */
	pvid: number | null;
}

/** What is read of the host. Tests read something else. */
export interface BridgeReader {
	links(): Link[];
	table(): NativeBridgeEntry[];
	vlans(): { port: number; pvid: number }[];
}

const KERNEL: BridgeReader = {
	links: readLinks,
	table: () => native.bridgeTable(),
	vlans: () => native.bridgeVlans(),
};

export class Bridges {
	private readonly reader: BridgeReader;
	private ports = new Map<number, BridgePort>();
	/** By bridge, VLAN and address. */
	private entries = new Map<number, Map<number, Map<number, NativeBridgeEntry>>>();
	private staleAt = Number.NEGATIVE_INFINITY;

	constructor(reader: BridgeReader = KERNEL) {
		this.reader = reader;
	}

	/**
	 * @param ifindex of the interface that has received the frame
	 * @param address its destination, as a number of 48 bits
	 * @param vlan of its tag, null without one
	 * @param nowMs of any clock that does not go back
	 * @returns UNKNOWN_PORT where no bridge decides, or it is not known how
	 */
	outputOf(ifindex: number, address: number, vlan: number | null, nowMs: number): Port {
		if (nowMs >= this.staleAt) this.read(nowMs);
		const port = this.ports.get(ifindex);
		if (!port?.forwards || isLinkLocalGroup(address)) return UNKNOWN_PORT;
		if (isGroup(address)) return multiple(0);
		const entry = this.entryOf(port, address, vlan);
		if (!entry) return multiple(0); // flooded
		if (entry.local) return port.bridge;
		if (entry.port === ifindex && !port.hairpin) return discarded(REASON_UNKNOWN);
		return this.ports.get(entry.port)?.forwards ? entry.port : UNKNOWN_PORT;
	}

	private entryOf(
		{ bridge, pvid }: BridgePort,
		address: number,
		vlan: number | null,
	): NativeBridgeEntry | undefined {
		const inVlan = pvid === null ? 0 : vlan || pvid;
		return this.entries.get(bridge)?.get(inVlan)?.get(address);
	}

	private read(nowMs: number): void {
		this.staleAt = nowMs + FRESH_MS;
		const links = this.reader.links();
		const ports = links.filter(({ bridgePort }) => bridgePort);
		if (ports.length === 0) {
			this.ports.clear();
			return;
		}
		const filtering = new Set(
			links.filter(({ bridge }) => bridge?.vlanFiltering).map(({ ifindex }) => ifindex),
		);
		const pvids = new Map(
			(filtering.size ? this.reader.vlans() : []).map(({ port, pvid }) => [port, pvid]),
		);
		this.ports = new Map(
			ports.map(({ ifindex, master = 0, bridgePort }) => [
				ifindex,
				{
					bridge: master,
					forwards: bridgePort?.state === BR_STATE_FORWARDING,
					hairpin: bridgePort?.hairpin === true,
					pvid: filtering.has(master) ? (pvids.get(ifindex) ?? 0) : null,
				},
			]),
		);
		this.entries = tableOf(this.reader.table());
	}
}

function tableOf(
	entries: readonly NativeBridgeEntry[],
): Map<number, Map<number, Map<number, NativeBridgeEntry>>> {
	const table = new Map<number, Map<number, Map<number, NativeBridgeEntry>>>();
	for (const entry of entries) {
		const vlans = table.get(entry.bridge) ?? new Map();
		const addresses = vlans.get(entry.vlan) ?? new Map();
		addresses.set(entry.address, entry);
		vlans.set(entry.vlan, addresses);
		table.set(entry.bridge, vlans);
	}
	return table;
}
