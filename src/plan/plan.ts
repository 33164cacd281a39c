/** A spec resolved against the host: plain data, everything a session needs, nothing live. */
import { cpus } from 'node:os';
import { hasCode, XspanError } from '../errors.ts';
import type { ClassicInstruction } from '../filter/cbpf.ts';
import { compileFilter } from '../filter/compile.ts';
import { type NativeRoute, native } from '../native.ts';
import {
	checkDestination,
	type Destination,
	isTunnel,
	type PortDestination,
	parseDestination,
	type RspanDestination,
	type TunnelDestination,
} from '../spec/destination.ts';
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
import { findLink, hasEthernetHeader, isUp, type Link, readLinks } from '../topology/links.ts';
import { refuseLoops, refuseUplinkLoops } from './loops.ts';
import {
	type MirrorPortPlan,
	planInterface,
	planTunnel,
	noticesOf as portNotices,
} from './mirror-port.ts';

/** What a plan is made against. Tests make their own. */
export interface Host {
	links: Link[];
	/** Inode of the network namespace; an ifindex means nothing without it. */
	netns: number;
	/** Online CPUs, whatever this process may run on: rings are made one per CPU. */
	cpus: number;
	/** The kernel's way to an address; null: there is none. */
	route(address: Uint8Array, source: Uint8Array | null): NativeRoute | null;
}

export interface TapPlan {
	/** Position in the session's ledger, and interface id in its files. */
	index: number;
	source: string;
	ifindex: number;
	direction: 'rx' | 'tx';
	hook: HookChoice;
	address: string | null;
	mtu: number;
}

export type DestinationPlan =
	| { type: 'port'; interface: string; ifindex: number; up: boolean; mtu: number }
	| MirrorPlan
	| ({ type: 'pcapng' } & PcapngSpec)
	| { type: 'frames' };

/** A mirror whose copies pass through a veth pair of the session's own. */
export interface MirrorPlan {
	type: 'mirror-port';
	to: Destination;
	/** Of RSPAN and a port: where copies leave. null: the routing table decides. */
	interface: { name: string; ifindex: number } | null;
	port: MirrorPortPlan;
}

export interface RingPlan {
	count: number;
	/** Of each ring. */
	bytes: number;
	snaplen: number;
}

/** Which frames are copied; a live session can change it. */
export interface Selection {
	filter: { text: string; program: ClassicInstruction[] } | null;
	sample: Sample | null;
	limit: RateLimit | null;
}

export interface Plan {
	name: string;
	netns: number;
	taps: TapPlan[];
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
	return { links: readLinks(), netns: native.netns(), cpus: cpus().length, route: askRoute };
}

function tapsOf(spec: CommonSpec, sources: Link[]): TapPlan[] {
	const direction = spec.direction ?? 'both';
	const directions = direction === 'both' ? (['rx', 'tx'] as const) : [direction];
	const hook = spec.hook ?? 'tcx';
	return sources
		.flatMap((link) => directions.map((each) => ({ link, direction: each })))
		.map(({ link, direction }, index) => ({
			index,
			source: link.name,
			ifindex: link.ifindex,
			direction,
			hook: hook === 'xdp' && direction === 'tx' ? 'tcx' : hook,
			address: link.address ?? null,
			mtu: link.mtu,
		}));
}

function sourcesOf(spec: CommonSpec, host: Host): Link[] {
	const names = new Set(spec.sources);
	const sources = [...names].map((name) => findLink(name, host.links));
	const odd = sources.find((link) => !hasEthernetHeader(link));
	if (odd)
		throw new XspanError(
			'unsupported',
			'not_ethernet',
			`${odd.name} carries frames without an Ethernet header`,
			{
				hint: 'use an interface of link/ether, as `ip link` shows it',
			},
		);
	return sources;
}

function noticesOf(spec: CommonSpec, sources: Link[]): Notice[] {
	const notices: Notice[] = sources
		.filter((link) => !isUp(link))
		.map((link) => ({
			code: 'source_down',
			message: `${link.name} is down: frames will be seen when it comes up`,
		}));
	if (spec.hook === 'xdp' && (spec.direction ?? 'both') === 'both')
		notices.push({
			code: 'xdp_is_receive_only',
			message: 'XDP sees received frames only: sent frames are taken at tcx',
		});
	return notices;
}

type SelectionSpec = Pick<CommonSpec, 'filter' | 'sample' | 'limit'>;

/** @throws XspanError bad_filter */
export function planSelection(spec: SelectionSpec): Selection {
	const text = spec.filter?.trim();
	return {
		filter: text ? { text, program: compileFilter(text) } : null,
		sample: spec.sample ?? null,
		limit: spec.limit ?? null,
	};
}

function common(spec: CommonSpec, host: Host, sources: Link[]) {
	return {
		name: spec.name ?? [...new Set(spec.sources)].join('+'),
		netns: host.netns,
		taps: tapsOf(spec, sources),
		selection: planSelection(spec),
		count: spec.count ?? null,
		durationMs: spec.durationMs ?? null,
		notices: noticesOf(spec, sources),
	};
}

function findPort(name: string, host: Host, sources: Link[]): Link {
	const port = findLink(name, host.links);
	refuseLoops(sources, port, host.links);
	if (!isUp(port))
		throw new XspanError('conflict', 'destination_down', `the destination ${port.name} is down`, {
			hint: `ip link set ${port.name} up`,
		});
	return port;
}

function portMtuNotices(port: Link, sources: Link[]): Notice[] {
	return sources
		.filter((link) => link.mtu > port.mtu && link.name !== 'lo')
		.map((link) => ({
			code: 'mtu_too_small',
			message: `${port.name} has MTU ${port.mtu}, ${link.name} ${link.mtu}: larger frames may not get through (ip link set ${port.name} mtu ${link.mtu})`,
		}));
}

interface Resolved {
	destination: DestinationPlan;
	notices: Notice[];
}

/** SPAN: straight to the interface. */
function resolvePort(to: PortDestination, host: Host, sources: Link[]): Resolved {
	const port = findPort(to.interface, host, sources);
	const { name, ifindex, mtu } = port;
	return {
		destination: { type: 'port', interface: name, ifindex, up: true, mtu },
		notices: portMtuNotices(port, sources),
	};
}

function resolveInterface(
	to: PortDestination | RspanDestination,
	host: Host,
	sources: Link[],
	snaplen: number | null,
): Resolved {
	const link = findPort(to.interface, host, sources);
	const port = planInterface(to, { snaplen, sources }, link);
	const { name, ifindex } = link;
	return {
		destination: { type: 'mirror-port', to, interface: { name, ifindex }, port },
		notices: portNotices(to, port, sources, host.links),
	};
}

function resolveTunnel(
	to: TunnelDestination,
	host: Host,
	sources: Link[],
	snaplen: number | null,
): Resolved {
	const port = planTunnel(to, { snaplen, sources }, host);
	const uplink = host.links.find((link) => link.ifindex === port.route?.ifindex);
	if (uplink) refuseUplinkLoops(sources, uplink);
	return {
		destination: { type: 'mirror-port', to, interface: null, port },
		notices: portNotices(to, port, sources, host.links),
	};
}

function resolveDestination(spec: MirrorSpec, host: Host, sources: Link[]): Resolved {
	const to = typeof spec.to === 'string' ? parseDestination(spec.to) : spec.to;
	const snaplen = spec.snaplen ?? null;
	checkDestination(to);
	if (isTunnel(to)) return resolveTunnel(to, host, sources, snaplen);
	if (to.type === 'port' && snaplen === null) return resolvePort(to, host, sources);
	return resolveInterface(to, host, sources, snaplen);
}

export function planMirror(spec: MirrorSpec, host: Host): Plan {
	checkMirror(spec);
	const sources = sourcesOf(spec, host);
	const { destination, notices } = resolveDestination(spec, host, sources);
	const plan = common(spec, host, sources);
	return { ...plan, rings: null, destination, notices: [...plan.notices, ...notices] };
}

/** Rings have a size of a power of two, so the whole may be less than what was asked for. */
function ringsOf(spec: CaptureSpec, host: Host): RingPlan {
	const each = (spec.bufferBytes ?? DEFAULT_BUFFER_BYTES) / host.cpus;
	const bytes = 2 ** Math.floor(Math.log2(Math.max(each, PAGE_BYTES)));
	return {
		count: host.cpus,
		bytes: Math.min(bytes, LARGEST_RING_BYTES),
		snaplen: spec.snaplen ?? SNAPLEN.max,
	};
}

export function planCapture(spec: CaptureSpec, host: Host): Plan {
	checkCapture(spec);
	return {
		...common(spec, host, sourcesOf(spec, host)),
		rings: ringsOf(spec, host),
		destination: spec.write ? { type: 'pcapng', ...spec.write } : { type: 'frames' },
	};
}
