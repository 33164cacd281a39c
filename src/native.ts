/** The native addon, typed. What each part does is said in native/*.h. */
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Abi } from './abi.gen.ts';
import { XspanError } from './errors.ts';

/** One instruction of classic BPF, as libpcap compiles it (struct bpf_insn in pcap/bpf.h). */
export interface ClassicInstruction {
	code: number;
	jt: number;
	jf: number;
	/** Unsigned. */
	k: number;
}

/** What a kind of interface has of its own; numbers as in include/uapi/linux/if_link.h. */
/** What frames begin with: an Ethernet header, or IPv4 or IPv6 at once (tun, wireguard). */
export type LinkType = 'ethernet' | 'raw';

/** include/uapi/linux/if_tunnel.h: outer addresses, where they are fixed, and how it encapsulates. */
export interface NativeIpTunnel {
	local?: string;
	remote?: string;
	/** Bit 0: that of the packet inside. */
	tos?: number;
	/** TUNNEL_ENCAP_*: more headers between the outer one and the tunnel's; 0: none. */
	encapsulation?: number;
	/** Addresses and key are given with each packet ("external"). */
	external?: boolean;
}

export interface NativeLinkKind {
	kind?: string;
	/** Of what it is a port: "bridge", "bond", "team", "openvswitch". */
	slaveKind?: string;
	vlan?: { id: number; protocol: number };
	/** link: the parent, where it was given one. remote: also a multicast group. */
	vxlan?: {
		id: number;
		link?: number;
		port: number;
		local?: string;
		remote?: string;
		external?: boolean;
	};
	geneve?: { id: number; port: number; remote?: string; external?: boolean };
	/** gre, gretap, ip6gre, ip6gretap. Flags as on the wire; the keys count where the flags say so. */
	gre?: NativeIpTunnel & {
		inputFlags: number;
		inputKey: number;
		outputFlags: number;
		outputKey: number;
	};
	/** ipip, sit, ip6tnl. protocol: that of what is inside, 0: any. */
	ipTunnel?: NativeIpTunnel & { protocol: number };
	macvlan?: { mode: number; flags?: number };
	ipvlan?: { mode: number };
	tun?: { type: number; persist: boolean };
	bond?: { mode: number };
	bridge?: NativeBridge;
	bridgePort?: {
		/** Of the spanning tree, BR_STATE_* of if_bridge.h. */
		state: number;
		hairpin: boolean;
		isolated: boolean;
		learning: boolean;
		/** Frames for unknown addresses leave through it. */
		flood: boolean;
		multicastFlood: boolean;
		broadcastFlood: boolean;
		/** Only known senders may use it; Linux 5.18. */
		locked?: boolean;
	};
}

export interface NativeBridge {
	vlanFiltering: boolean;
	/** An EtherType; not given: the kernel has no VLAN filtering. */
	vlanProtocol?: number;
	multicastSnooping?: boolean;
	/** There is one, here or elsewhere: snooping is in effect. Linux 5.16. */
	querier?: boolean;
}

/** What the kernel counts of an interface: rtnl_link_stats64 in include/uapi/linux/if_link.h. */
export interface NativeStatistics {
	rxFrames: number;
	/** Exact beyond 2^53, which a fast interface reaches within days. */
	rxBytes: bigint;
	/** To group addresses, as far as the driver counts them. */
	rxMulticast: number;
	/** Nobody wanted them, or there was no memory. Without rxMissed. */
	rxDropped: number;
	/** The device had no room for them. */
	rxMissed: number;
	rxErrors: number;
	rxLengthErrors: number;
	rxCrcErrors: number;
	rxFrameErrors: number;
	rxFifoErrors: number;
	txFrames: number;
	txBytes: bigint;
	txDropped: number;
	txErrors: number;
	txAbortedErrors: number;
	txCarrierErrors: number;
	txFifoErrors: number;
	txWindowErrors: number;
}

export interface NativeLink extends NativeLinkKind {
	ifindex: number;
	name: string;
	alias?: string;
	arpType: number;
	flags: number;
	mtu: number;
	address?: string;
	permanentAddress?: string;
	master?: number;
	/** Parent or peer; in the namespace of linkNetnsid where that is set. */
	link?: number;
	/** An id of this namespace, see NativeNetns.idOf(); -1: that namespace has none. */
	linkNetnsid?: number;
	promiscuity: number;
	allmulti: number;
	operState: number;
	xdpProgramId?: number;
	statistics: NativeStatistics;
}

export interface NativeAddress {
	ifindex: number;
	address: string;
	prefix: number;
}

export interface NativePacketSocket {
	inode: number;
	/** Interfaces that it made promiscuous. */
	promiscuousOn: number[];
}

export interface NativeNetns {
	inode(): number;
	links(): NativeLink[];
	addresses(): NativeAddress[];
	/** The other's id in this namespace, -1: it has none. */
	idOf(other: NativeNetns): number;
	/** null: the kernel has no packet diagnostics. */
	packetSockets(): NativePacketSocket[] | null;
	/** Only of interfaces that have any. */
	tcxPrograms(ifindexes: number[]): { ifindex: number; rx: number[]; tx: number[] }[];
	/** /proc/net/snmp of that namespace; "": there is none. */
	snmp(): string;
	/** Until then it keeps the namespace, and what is in it, alive. */
	close(): void;
}

export interface NativeLinkMonitor {
	/** Keeps the namespace alive until forget(). */
	listen(netns: NativeNetns): void;
	forget(inode: number): void;
	/** Inodes of the namespaces with changes since the last call. */
	changed(): number[];
	close(): void;
}

export interface NativeEthtool {
	driver: string;
	speedMbps: number;
	gro: boolean;
	gso: boolean;
	tso: boolean;
	lro: boolean;
	rxVlan: boolean;
	txVlan: boolean;
}

export interface NativeMaps {
	/** Of the first so many taps. */
	counters(taps?: number): Float64Array;
	setBudget(copies: number): void;
	budget(): number;
	resetLimit(): void;
	setPortDown(down: boolean): void;
	quiesce(): Promise<void>;
	close(): void;
}

export type NativeHook = 'tcx' | 'clsact' | 'xdp' | 'xdp-generic';

export interface NativeTap {
	/** priority: of a clsact filter, 0 or none: the kernel chooses. */
	attach(to: {
		hook: NativeHook;
		ifindex: number;
		direction: number;
		priority?: number;
		/** Where the interface is; not given: here. */
		netns?: NativeNetns | undefined;
	}): {
		handle: number;
		priority: number;
	};
	takeOver(other: NativeTap): void;
	detach(): void;
	close(): void;
	fd(): number;
}

/** rtnetlink's answer to "which way?", see native/routing.h. */
export interface NativeRoute {
	/** enum of rtnetlink.h: 1 unicast, 2 local, ... */
	type: number;
	ifindex?: number;
	source?: Uint8Array;
	gateway?: Uint8Array;
	mtu?: number;
}

/** The entries of the routing tables, see native/route_table.h. */
export interface NativeRouteTable {
	/** Prefix length of the route to an address, and the ifindex of each of its next hops. */
	entry(address: Uint8Array): number[] | null;
	/** Since the last call. */
	changed(): boolean;
	close(): void;
}

/** A session's veth pair, see native/veth.h. */
export interface NativeVeth {
	outer: string;
	inner: string;
	outerAddress: Uint8Array;
	innerAddress: Uint8Array;
	innerIfindex: number;
	alias: string;
	mtu: number;
	/** Frames of its pfifo. */
	queue: number;
	/** Not given: here. */
	outerNetns?: NativeNetns | undefined;
	innerNetns?: NativeNetns | undefined;
	/** Super-frames pass as they are. */
	offloads: boolean;
}

export interface NativeMirrorPort {
	attach(to: {
		outer: number;
		inner: number;
		/** Where the inner end is; not given: here. */
		innerNetns?: NativeNetns | undefined;
		marks: boolean;
	}): void;
	/** Frames that come out of another pair here go into the mirror port. */
	relay(from: { outer: number; inner: number; outerNetns: NativeNetns; marks: boolean }): void;
	/**
	 * A device of a namespace (not given: ours) by whose egress frames without an Ethernet header get one.
	 * @returns its ifindex
	 */
	addFirstHop(at: { inode: number; netns: NativeNetns | undefined; alias: string }): number;
	/** By the inode of its namespace. */
	removeFirstHop(inode: number): void;
	/** A word per __u64 of struct xs_port_counters, CPUs added up. */
	counters(): Float64Array;
	setState(state: {
		downIfindex: number;
		/** Of the route, or found on the path; 0: as the uplink's. */
		routeMtu: number;
		source: Uint8Array;
	}): void;
	/** Of the next copy. */
	sequence(): number;
	fd(): number;
	close(): void;
}

export interface NativeSlab {
	slab: number;
	bytes: number;
	records: number;
	/** The file ends after this slab; the next one is named after this time. */
	nextFileMs?: number;
}

export interface NativeDrain {
	buffers(): ArrayBuffer[];
	take(): NativeSlab | null;
	giveBack(slab: number): void;
	finish(): void;
	abandon(): Float64Array;
	finished(): boolean;
	close(): void;
}

export type DrainFormat =
	| { format: 'raw' }
	| { format: 'pcapng'; fileBytes?: number; filePeriodMs?: number; startMs: number };

export interface ClsactFilter {
	kind: string;
	priority: number;
	handle: number;
	name?: string;
	programId?: number;
}

export interface Native {
	abiVersion: number;
	slabLayout: { dataBytes: number; maxRecords: number; offsetsAt: number; countsAt: number };
	Maps: new (options: { taps: number; rings: number; ringBytes: number }) => NativeMaps;
	Tap: new (
		maps: NativeMaps,
		options: { program: string; config: Uint8Array; filter?: Uint8Array },
	) => NativeTap;
	Drain: new (maps: NativeMaps, format: DrainFormat, onReady: () => void) => NativeDrain;
	MirrorPort: new (config: Uint8Array) => NativeMirrorPort;
	/** Listens in the namespace of this thread, and wherever it is told to. */
	LinkMonitor: new (
		onChange: () => void,
	) => NativeLinkMonitor;
	/** Without a path the namespace of this thread. */
	Netns: new (
		path?: string,
	) => NativeNetns;
	compileFilter(text: string, link: LinkType): ClassicInstruction[];
	links(): NativeLink[];
	ethtool(name: string): NativeEthtool;
	program(id: number): { id: number; name: string } | null;
	tcxPrograms(ifindex: number, direction: number): number[] | null;
	clsactFilters(ifindex: number, direction: number): ClsactFilter[];
	/** "created", or the kind of the qdisc that is there: clsact, ingress. */
	clsactCreate(ifindex: number): string;
	clsactDetach(ifindex: number, direction: number, handle: number, priority: number): void;
	clsactDestroyIfEmpty(ifindex: number): boolean;
	probeLoad(): void;
	probeTcx(): void;
	/** Returns the ifindex of the outer end. */
	createVeth(options: NativeVeth): number;
	deleteLink(ifindex: number): boolean;
	linkDrops(ifindex: number): number;
	route(address: Uint8Array, source: Uint8Array | null): NativeRoute;
	/** Of the namespace of this thread. */
	RouteTable: new () => NativeRouteTable;
	/** Bridge, VLAN, MAC address as a number, ifindex where it is; see native/forwarding.h. */
	forwardingTable(): Float64Array;
	/** Interface, VLAN, flags. */
	bridgeVlans(): Float64Array;
	useNeighbour(ifindex: number, address: Uint8Array): void;
	/** NUD_* of neighbour.h; 0: none. */
	neighbourState(ifindex: number, address: Uint8Array): number;
	netns(): number;
	pipeIsClosed(fd: number): boolean;
}

const root = join(dirname(fileURLToPath(import.meta.url)), '..');

/** Where the addon may be: a build in the source tree, or the one that came with the package. */
const candidates = [
	join(root, 'build/Release/xspan.node'),
	join(root, `prebuilds/${process.platform}-${process.arch}/xspan.node`),
];

function load(): Native {
	const path = candidates.find(existsSync);
	if (!path)
		throw new XspanError('unsupported', 'addon_missing', 'the native addon is not built', {
			hint: existsSync(join(root, 'Makefile'))
				? `run "make deps build" in ${root}`
				: `this package has no prebuild for ${process.platform}-${process.arch}: build it from the source tree with "make pack"`,
		});
	const addon = loadFrom(path);
	if (addon.abiVersion !== Abi.abi_version)
		throw new XspanError(
			'unsupported',
			'addon_outdated',
			`${path} has ABI version ${addon.abiVersion}, this code expects ${Abi.abi_version}`,
			{ hint: `run "make" in ${root} to build both from the same source` },
		);
	return addon;
}

function loadFrom(path: string): Native {
	try {
		return createRequire(import.meta.url)(path) as Native;
	} catch (cause) {
		throw new XspanError('unsupported', 'addon_unloadable', `cannot load ${path}: ${cause}`, {
			cause,
			hint: 'install libbpf1, libmnl0 and libpcap0.8 (Debian, Ubuntu), or build with "make"',
		});
	}
}

export const native = load();

/** The package's version, for file headers and --version. */
export const version: string = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).version;
