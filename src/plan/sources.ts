/** Which interfaces a session taps, in which direction, and in which network namespace. */
import { XspanError } from '../errors.ts';
import type { LinkType } from '../native.ts';
import type { CommonSpec, Notice } from '../spec/spec.ts';
import { type Device, deviceIsUp } from '../topology/device.ts';
import { isPattern, parseSource } from '../topology/expression.ts';
import { findLink, isUp, type Link, linkTypeOf, showsOuterHeader } from '../topology/links.ts';
import {
	type ResolvedSource,
	resolveSources,
	type SourceTap,
	tapsFor,
} from '../topology/resolve.ts';
import { describeNamespace } from '../topology/select.ts';
import type { Topology } from '../topology/topology.ts';
import type { Host } from './plan.ts';

/** An interface that is tapped. */
export interface Source {
	/** How people know it: its name, with that of its namespace where that is another one. */
	label: string;
	name: string;
	ifindex: number;
	/** Inode of its network namespace. */
	netns: number;
	/** Opens that namespace; null: it is ours. */
	path: string | null;
	/** As this interface sees it. */
	directions: ('rx' | 'tx')[];
	/** It is the other end of what was named: what is sent here is received there. */
	flipped: boolean;
	/** What the user wrote, and why that led here. */
	expression: string;
	address: string | null;
	mtu: number;
	link: LinkType;
	showsOuterHeader: boolean;
	isUp: boolean;
}

export interface SourcesPlan {
	sources: Source[];
	/** Expressions that new interfaces may come to match. */
	follow: string[];
	notices: Notice[];
}

const directionsOf = ({ direction = 'both' }: CommonSpec): ('rx' | 'tx')[] =>
	direction === 'both' ? ['rx', 'tx'] : [direction];

/** The name of one interface here: nothing but the own namespace has to be looked at. */
function isPlain(text: string): boolean {
	const expression = parseSource(text);
	return expression.type === 'interface' && !isPattern(expression.pattern);
}

function fromLink(link: Link, host: Host, spec: CommonSpec): Source {
	return {
		label: link.name,
		name: link.name,
		ifindex: link.ifindex,
		netns: host.netns,
		path: null,
		directions: directionsOf(spec),
		flipped: false,
		expression: link.name,
		address: link.address ?? null,
		mtu: link.mtu,
		link: linkTypeOf(link),
		showsOuterHeader: showsOuterHeader(link),
		isUp: isUp(link),
	};
}

function labelOf(device: Device, topology: Topology): string {
	const namespace = topology.namespace(device.netns);
	if (!namespace || namespace.own) return device.name;
	return `${device.name} in ${describeNamespace(namespace)}`;
}

function fromResolved(
	{ netns, ifindex, path, expression, flipped }: ResolvedSource,
	directions: ('rx' | 'tx')[],
	topology: Topology,
): Source {
	const device = topology.device({ netns, ifindex }) as Device;
	return {
		label: labelOf(device, topology),
		name: device.name,
		ifindex,
		netns,
		path,
		directions,
		flipped,
		expression,
		address: device.address ?? null,
		mtu: device.mtu,
		link: linkTypeOf(device),
		showsOuterHeader: showsOuterHeader(device),
		isUp: deviceIsUp(device),
	};
}

/** One source for each interface, with all directions in which somebody wants it tapped. */
function mergeTaps(taps: readonly SourceTap[], topology: Topology): Source[] {
	const sources = new Map<string, Source>();
	for (const { source, direction } of taps) {
		const key = `${source.netns}/${source.ifindex}`;
		const known = sources.get(key);
		if (known) known.directions.push(direction);
		else sources.set(key, fromResolved(source, [direction], topology));
	}
	for (const source of sources.values()) source.directions.sort();
	return [...sources.values()];
}

function resolveExpressions(spec: CommonSpec, host: Host): Omit<SourcesPlan, 'follow'> {
	const topology = host.topology();
	const { sources, notices } = resolveSources(spec.sources, topology);
	const found = mergeTaps(tapsFor(sources, spec.direction ?? 'both'), topology);
	if (found.length === 0)
		throw new XspanError(
			'usage',
			'nothing_to_tap',
			`with --direction ${spec.direction} nothing is left to tap`,
			{ hint: 'the ports of a bridge are tapped where frames come in: leave the direction out' },
		);
	return { sources: found, notices };
}

/** Things that come and go, other than one interface that was named. */
const isFollowed = (text: string): boolean => {
	const { type } = parseSource(text);
	return type === 'container' || type === 'bridge' || (type === 'interface' && isPattern(text));
};

/** @throws XspanError when an expression names nothing, or more than one thing */
export function planSources(spec: CommonSpec, host: Host): SourcesPlan {
	const follow = spec.follow === false ? [] : spec.sources.filter(isFollowed);
	if (!spec.sources.every(isPlain)) return { ...resolveExpressions(spec, host), follow };
	const links = [...new Set(spec.sources)].map((name) => findLink(name, host.links));
	return { sources: links.map((link) => fromLink(link, host, spec)), follow, notices: [] };
}

/** Interfaces that match now and did not when the session began; what went away is not an error. */
export function sourcesNow(spec: CommonSpec, follow: readonly string[], host: Host): Source[] {
	return follow.flatMap((expression) => {
		try {
			return resolveExpressions({ ...spec, sources: [expression] }, host).sources;
		} catch (error) {
			if (error instanceof XspanError && error.kind !== 'unexpected') return [];
			throw error;
		}
	});
}
