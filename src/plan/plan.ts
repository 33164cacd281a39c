/** A spec resolved against the host: plain data, everything a session needs, nothing live. */
import { cpus } from 'node:os';
import { XspanError } from '../errors.ts';
import type { ClassicInstruction } from '../filter/cbpf.ts';
import { compileFilter } from '../filter/compile.ts';
import { native } from '../native.ts';
import {
	type CaptureSpec,
	type CommonSpec,
	checkCapture,
	checkCommon,
	type HookChoice,
	type MirrorSpec,
	type Notice,
	type PcapngSpec,
	parseDestination,
	type RateLimit,
	type Sample,
	SNAPLEN,
} from '../spec/spec.ts';
import { findLink, hasEthernetHeader, isUp, type Link, readLinks } from '../topology/links.ts';
import { refuseLoops } from './loops.ts';

/** What a plan is made against. Tests make their own. */
export interface Host {
	links: Link[];
	/** Inode of the network namespace; an ifindex means nothing without it. */
	netns: number;
	/** Online CPUs, whatever this process may run on: rings are made one per CPU. */
	cpus: number;
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
	| ({ type: 'pcapng' } & PcapngSpec)
	| { type: 'frames' };

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

export function readHost(): Host {
	return { links: readLinks(), netns: native.netns(), cpus: cpus().length };
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

function refuseXdp(spec: MirrorSpec): void {
	if (spec.hook === 'xdp')
		throw new XspanError(
			'usage',
			'xdp_cannot_clone',
			'a mirror cannot be fed from XDP: there is no way to clone a frame there',
			{
				hint: 'leave out --hook xdp; a capture can use it',
			},
		);
}

export function planMirror(spec: MirrorSpec, host: Host): Plan {
	checkCommon(spec);
	refuseXdp(spec);
	const to = typeof spec.to === 'string' ? parseDestination(spec.to) : spec.to;
	const sources = sourcesOf(spec, host);
	const port = findLink(to.interface, host.links);
	refuseLoops(sources, port, host.links);
	if (!isUp(port))
		throw new XspanError('conflict', 'destination_down', `the destination ${port.name} is down`, {
			hint: `ip link set ${port.name} up`,
		});
	const plan = common(spec, host, sources);
	const larger = sources.filter((link) => link.mtu > port.mtu && link.name !== 'lo');
	for (const link of larger)
		plan.notices.push({
			code: 'mtu_too_small',
			message: `${port.name} has MTU ${port.mtu}, ${link.name} ${link.mtu}: larger frames may not get through (ip link set ${port.name} mtu ${link.mtu})`,
		});
	return {
		...plan,
		rings: null,
		destination: {
			type: 'port',
			interface: port.name,
			ifindex: port.ifindex,
			up: true,
			mtu: port.mtu,
		},
	};
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
