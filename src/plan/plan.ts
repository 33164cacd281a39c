/** A spec resolved against the host: plain data, everything a session needs, nothing live. */
import { cpus } from 'node:os';
import { hasCode, XspanError } from '../errors.ts';
import type { ClassicInstruction } from '../filter/cbpf.ts';
import { compileFilter } from '../filter/compile.ts';
import { type LinkType, type NativeRoute, native } from '../native.ts';
import {
	type Destination,
	isTunnel,
	type PortDestination,
	parseDestination,
	type RspanDestination,
	type TunnelDestination,
} from '../spec/destination.ts';
import { checkDestination } from '../spec/destination-check.ts';
import {
	type CaptureSpec,
	type CommonSpec,
	checkCapture,
	checkMirror,
	type HookChoice,
	type MirrorSpec,
	type Notice,
	type PcapngSpec,
	type RateLimit,
	type Sample,
	SNAPLEN,
} from '../spec/spec.ts';
import { findLink, isUp, type Link, readLinks } from '../topology/links.ts';
import { readTopology } from '../topology/read.ts';
import { findDevice } from '../topology/resolve.ts';
import type { Topology } from '../topology/topology.ts';
import { refuseLoops, refuseUplinkLoops } from './loops.ts';
import {
	type MirrorPortPlan,
	planInterface,
	planTunnel,
	noticesOf as portNotices,
} from './mirror-port.ts';
import { planSources, type Source, type SourcesPlan } from './sources.ts';

/** What a plan is made against. Tests make their own. */
export interface Host {
	links: Link[];
	/** Inode of the network namespace; an ifindex means nothing without it. */
	netns: number;
	/** Online CPUs, whatever this process may run on: rings are made one per CPU. */
	cpus: number;
	/** The kernel's way to an address; null: there is none. */
	route(address: Uint8Array, source: Uint8Array | null): NativeRoute | null;
	/** All namespaces; only asked for where an expression reaches beyond the own one. */
	topology(): Topology;
}

export interface TapPlan {
	/** Position in the session's ledger, and interface id in its files. */
	index: number;
	source: string;
	/** Its name alone. */
	interface: string;
	ifindex: number;
	/** Inode of its network namespace. */
	netns: number;
	/** Opens that namespace; null: it is ours. */
	path: string | null;
	direction: 'rx' | 'tx';
	/** The direction as seen from what was named: of a container that is tapped at the host's end, the other one. */
	said: 'rx' | 'tx';
	hook: HookChoice;
	link: LinkType;
	address: string | null;
	mtu: number;
}

export type DestinationPlan =
	| { type: 'port'; interface: string; ifindex: number; up: boolean; mtu: number }
	| MirrorPlan
	| ({ type: 'pcapng' } & PcapngSpec)
	| { type: 'frames' };

/** An interface that a destination names. */
export interface InterfacePlan {
	name: string;
	ifindex: number;
	netns: number;
	/** Opens its namespace; null: it is ours. */
	path: string | null;
}

/** A mirror whose copies pass through a veth pair of the session's own. */
export interface MirrorPlan {
	type: 'mirror-port';
	to: Destination;
	/** Of RSPAN and a port: where copies leave. null: the routing table decides. */
	interface: InterfacePlan | null;
	port: MirrorPortPlan;
}

export interface RingPlan {
	count: number;
	/** Of each ring. */
	bytes: number;
	snaplen: number;
	/** Each frame comes with the interface by which it leaves, or came. */
	otherInterface: boolean;
	/** So many bytes wait in one before it wakes its reader. */
	wakeBytes: number;
}

/** Which frames are copied; a live session can change it. */
export interface Selection {
	/** Which one of its session, 0 for the first. Frames know it: FrameView.selection. */
	number: number;
	filter: {
		text: string;
		/** For each kind of frames among the sources. */
		programs: Partial<Record<LinkType, ClassicInstruction[]>>;
	} | null;
	sample: Sample | null;
	limit: RateLimit | null;
}

export interface Plan {
	name: string;
	netns: number;
	taps: TapPlan[];
	/** Expressions that interfaces which come later may match. */
	follow: string[];
	destination: DestinationPlan;
	/** null: no frame goes to user space. */
	rings: RingPlan | null;
	selection: Selection;
	count: number | null;
	durationMs: number | null;
	notices: Notice[];
}

const DEFAULT_BUFFER_BYTES = 64 * 2 ** 20;
const PAGE_BYTES = 4096;
/** The kernel allows 64 GiB (RINGBUF_MAX_DATA_SZ); nobody wants that much pinned per CPU. */
const LARGEST_RING_BYTES = 2 ** 31;

function askRoute(address: Uint8Array, source: Uint8Array | null): NativeRoute | null {
	try {
		return native.route(address, source);
	} catch (error) {
		// What the kernel says where a packet would not leave; EINVAL: the source is nobody's (yet).
		if (hasCode(error, 'ENETUNREACH', 'EHOSTUNREACH', 'EACCES', 'EINVAL', 'ENODEV')) return null;
		throw error;
	}
}

export function readHost(): Host {
	return {
		links: readLinks(),
		netns: native.netns(),
		cpus: cpus().length,
		route: askRoute,
		topology: readTopology,
	};
}

const OPPOSITE = { rx: 'tx', tx: 'rx' } as const;

/** The taps of sources, numbered from `first` on. */
export function tapsOf(spec: CommonSpec, sources: readonly Source[], first = 0): TapPlan[] {
	const hook = spec.hook ?? 'tcx';
	return sources
		.flatMap((source) => source.directions.map((direction) => ({ source, direction })))
		.map(({ source, direction }, index) => ({
			index: first + index,
			source: source.label,
			interface: source.name,
			ifindex: source.ifindex,
			netns: source.netns,
			path: source.path,
			direction,
			said: source.flipped ? OPPOSITE[direction] : direction,
			hook: hook === 'xdp' && direction === 'tx' ? 'tcx' : hook,
			link: source.link,
			address: source.address,
			mtu: source.mtu,
		}));
}

/** The kernel takes such a header off where it clones: copies would not be what the tap and the filter have seen. */
function refuseOuterHeaders({ sources }: SourcesPlan): void {
	const source = sources.find((each) => each.showsOuterHeader);
	if (source)
		throw new XspanError(
			'unsupported',
			'gre_without_remote',
			`${source.label} is GRE without a fixed remote end: its packets begin with the outer header, and cannot be mirrored`,
			{ hint: "a capture can have them; a mirror, from the interface below: --filter 'proto gre'" },
		);
}

function noticesOf(spec: CommonSpec, { sources, notices: found }: SourcesPlan): Notice[] {
	const notices: Notice[] = sources
		.filter((source) => !source.isUp)
		.map((source) => ({
			code: 'source_down',
			message: `${source.label} is down: frames will be seen when it comes up`,
		}));
	if (spec.hook === 'xdp' && (spec.direction ?? 'both') === 'both')
		notices.push({
			code: 'xdp_is_receive_only',
			message: 'XDP sees received frames only: sent frames are taken at tcx',
		});
	return [...found, ...notices];
}

type SelectionSpec = Pick<CommonSpec, 'filter' | 'sample' | 'limit'>;

/** @throws XspanError bad_filter */
export function planSelection(
	spec: SelectionSpec,
	links: readonly LinkType[] = ['ethernet'],
): Selection {
	const text = spec.filter?.trim();
	const programsOf = (filter: string) =>
		Object.fromEntries([...new Set(links)].map((link) => [link, compileFilter(filter, link)]));
	return {
		number: 0,
		filter: text ? { text, programs: programsOf(text) } : null,
		sample: spec.sample ?? null,
		limit: spec.limit ?? null,
	};
}

/** Also of what may come: a pattern matches Ethernet first of all. */
const linksOf = ({ sources, follow }: SourcesPlan): LinkType[] => [
	...sources.map((source) => source.link),
	...(follow.length ? (['ethernet'] as const) : []),
];

function common(spec: CommonSpec, host: Host, sources: SourcesPlan) {
	return {
		name: spec.name ?? [...new Set(spec.sources)].join('+'),
		netns: host.netns,
		taps: tapsOf(spec, sources.sources),
		follow: sources.follow,
		selection: planSelection(spec, linksOf(sources)),
		count: spec.count ?? null,
		durationMs: spec.durationMs ?? null,
	};
}

/** The interface that a destination names, here or in another namespace. */
function findInterface(name: string, host: Host): { link: Link; plan: InterfacePlan } {
	if (!name.includes(':')) {
		const link = findLink(name, host.links);
		return { link, plan: { name, ifindex: link.ifindex, netns: host.netns, path: null } };
	}
	const { device, path } = findDevice(name, host.topology());
	const { ifindex, netns } = device;
	return { link: device as unknown as Link, plan: { name: device.name, ifindex, netns, path } };
}

function ownLinks(sources: readonly Source[], host: Host): Link[] {
	return host.links.filter((link) =>
		sources.some((source) => source.path === null && source.ifindex === link.ifindex),
	);
}

function findPort(name: string, host: Host, sources: readonly Source[]) {
	const found = findInterface(name, host);
	const { link, plan } = found;
	if (plan.path === null) refuseLoops(ownLinks(sources, host), link, host.links);
	if (sources.some((source) => source.netns === plan.netns && source.ifindex === plan.ifindex))
		throw new XspanError(
			'conflict',
			'destination_is_source',
			`${name} is both source and destination`,
		);
	if (!isUp(link))
		throw new XspanError('conflict', 'destination_down', `the destination ${name} is down`, {
			hint: `ip link set ${plan.name} up`,
		});
	return found;
}

function portMtuNotices(port: Link, sources: readonly Source[]): Notice[] {
	return sources
		.filter((source) => source.mtu > port.mtu && source.name !== 'lo')
		.map((source) => ({
			code: 'mtu_too_small',
			message: `${port.name} has MTU ${port.mtu}, ${source.label} ${source.mtu}: larger frames may not get through (ip link set ${port.name} mtu ${source.mtu})`,
		}));
}

interface Resolved {
	destination: DestinationPlan;
	notices: Notice[];
}

type InterfaceDestination = PortDestination | RspanDestination;

/** SPAN: straight to the interface, where both are here. */
function resolvePort(to: PortDestination, host: Host, sources: readonly Source[]): Resolved {
	const { link } = findPort(to.interface, host, sources);
	const { name, ifindex, mtu } = link;
	return {
		destination: { type: 'port', interface: name, ifindex, up: true, mtu },
		notices: portMtuNotices(link, sources),
	};
}

function resolveInterface(
	to: InterfaceDestination,
	host: Host,
	sources: readonly Source[],
	snaplen: number | null,
): Resolved {
	const { link, plan } = findPort(to.interface, host, sources);
	const port = planInterface(to, { snaplen, sources }, link);
	return {
		destination: { type: 'mirror-port', to, interface: plan, port },
		notices: portNotices(to, port, sources, host.links),
	};
}

function resolveTunnel(
	to: TunnelDestination,
	host: Host,
	sources: readonly Source[],
	snaplen: number | null,
): Resolved {
	const port = planTunnel(to, { snaplen, sources }, host);
	const uplink = host.links.find((link) => link.ifindex === port.route?.ifindex);
	if (uplink) refuseUplinkLoops(ownLinks(sources, host), uplink);
	return {
		destination: { type: 'mirror-port', to, interface: null, port },
		notices: portNotices(to, port, sources, host.links),
	};
}

/**
 * A frame cannot be cloned into another namespace, only into a pair that ends there; nor, without an Ethernet
 * header, to the port itself.
 */
const isDirect = (to: PortDestination, sources: readonly Source[], follow: readonly string[]) =>
	!to.interface.includes(':') &&
	sources.every((source) => source.path === null && source.link === 'ethernet') &&
	!follow.some((expression) => expression.startsWith('container:'));

function resolveDestination(
	spec: MirrorSpec,
	host: Host,
	{ sources, follow }: SourcesPlan,
): Resolved {
	const to = typeof spec.to === 'string' ? parseDestination(spec.to) : spec.to;
	const snaplen = spec.snaplen ?? null;
	checkDestination(to);
	if (isTunnel(to)) return resolveTunnel(to, host, sources, snaplen);
	if (to.type === 'port' && snaplen === null && isDirect(to, sources, follow))
		return resolvePort(to, host, sources);
	return resolveInterface(to, host, sources, snaplen);
}

export function planMirror(spec: MirrorSpec, host: Host): Plan {
	checkMirror(spec);
	const sources = planSources(spec, host);
	refuseOuterHeaders(sources);
	const { destination, notices } = resolveDestination(spec, host, sources);
	const plan = common(spec, host, sources);
	return {
		...plan,
		rings: null,
		destination,
		notices: [...noticesOf(spec, sources), ...notices],
	};
}

/** Rings have a size of a power of two, so the whole may be less than what was asked for. */
function ringsOf(spec: CaptureSpec, host: Host): RingPlan {
	const each = (spec.bufferBytes ?? DEFAULT_BUFFER_BYTES) / host.cpus;
	const power = 2 ** Math.floor(Math.log2(Math.max(each, PAGE_BYTES)));
	const bytes = Math.min(power, LARGEST_RING_BYTES);
	return {
		count: host.cpus,
		bytes,
		snaplen: spec.snaplen ?? SNAPLEN.max,
		otherInterface: spec.otherInterface === true,
		wakeBytes: Math.min(spec.wakeBytes ?? 0, bytes / 4),
	};
}

export function planCapture(spec: CaptureSpec, host: Host): Plan {
	checkCapture(spec);
	const sources = planSources(spec, host);
	return {
		...common(spec, host, sources),
		notices: noticesOf(spec, sources),
		rings: ringsOf(spec, host),
		destination: spec.write ? { type: 'pcapng', ...spec.write } : { type: 'frames' },
	};
}
