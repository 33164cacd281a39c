/** Source expressions to the interfaces where their frames are tapped. Touches no interface. */
import { XspanError } from '../errors.ts';
import type { Direction, Notice } from '../spec/spec.ts';
import { findContainers } from './containers.ts';
import { type Device, isSame } from './device.ts';
import { parseSource, type SourceExpression } from './expression.ts';
import { netnsOfNamedPid, tunsOf } from './processes.ts';
import { describeDevice, type ProcessTable, selectDevices } from './select.ts';
import type { Topology } from './topology.ts';

export interface ResolvedSource {
	/** Inode of the namespace of the interface that is tapped. */
	netns: number;
	/** Opens that namespace; null: it is the own one. */
	path: string | null;
	ifindex: number;
	name: string;
	/** The only direction that may be tapped here, as this interface sees it; null: any. */
	only: 'rx' | 'tx' | null;
	/** This is the host's end of what was named: what that one sends is received here. */
	flipped: boolean;
	/** The interface that was named, where it is another one than the tapped. */
	of: { netns: number; ifindex: number; name: string } | null;
	/** The expression it comes from. */
	expression: string;
	/** Why here: for people. */
	why: string;
}

export interface Resolution {
	sources: ResolvedSource[];
	notices: Notice[];
}

/** The host as it is. */
export const processTable: ProcessTable = {
	netnsOf: netnsOfNamedPid,
	tunsOf,
	containers: () => findContainers(),
};

/** Interfaces that only exist on this side: there is no host-side end. */
function whyInside(device: Device): string {
	const where = 'tapped in its own namespace';
	if (device.parent || device.hidden)
		return `a ${device.kind} has no end on the host, and its parent does not see all: ${where}`;
	if (device.peer) return `its other end is in another container: ${where}`;
	return `a ${device.kind} interface has no end on the host: ${where}`;
}

function whyHere(device: Device, expression: SourceExpression): string {
	if (expression.type === 'bridge')
		return `port of ${expression.name}: each frame enters the bridge at one port, so received frames only`;
	if (expression.type === 'pid' && (device.kind === 'tap' || device.kind === 'tun'))
		return `the process holds this ${device.kind}: what its guest sends is received here`;
	return 'named';
}

function tapFor(
	device: Device,
	expression: SourceExpression,
	text: string,
	topology: Topology,
): ResolvedSource {
	const end = topology.hostEnd(device);
	const tapped = end ?? device;
	const isOwn = tapped.netns === topology.own;
	// Of a TAP the host has the only end that is an interface; the guest's is on its other side.
	const isGuest =
		expression.type === 'pid' &&
		expression.pattern === null &&
		(device.kind === 'tap' || device.kind === 'tun');
	return {
		netns: tapped.netns,
		path: isOwn ? null : (topology.namespace(tapped.netns)?.path ?? null),
		ifindex: tapped.ifindex,
		name: tapped.name,
		only: expression.type === 'bridge' ? 'rx' : null,
		flipped: end !== null || isGuest,
		of: end ? { netns: device.netns, ifindex: device.ifindex, name: device.name } : null,
		expression: text,
		why: end
			? `the host's end of ${describeDevice(device, topology)}: what that one sends is received here`
			: isOwn
				? whyHere(device, expression)
				: whyInside(device),
	};
}

/** Named twice alike; from two sides (`veth1 container:web`) the directions may differ. */
function withoutRepetition(sources: readonly ResolvedSource[]): ResolvedSource[] {
	const kept = new Map<string, ResolvedSource>();
	for (const source of sources) {
		const key = `${source.netns}/${source.ifindex} ${source.only} ${source.flipped}`;
		if (!kept.has(key)) kept.set(key, source);
	}
	return [...kept.values()];
}

function pairs<T>(items: readonly T[]): [T, T][] {
	return items.flatMap((a, i) => items.slice(i + 1).map((b): [T, T] => [a, b]));
}

/** Ports that were named one by one: a frame from one to the other passes both taps. */
function bridgeNotices(devices: readonly Device[], topology: Topology): Notice[] {
	const bridges = new Map<Device, Device[]>();
	for (const device of devices) {
		const master = topology.device(device.master);
		if (master?.kind === 'bridge' || master?.kind === 'openvswitch')
			bridges.set(master, [...(bridges.get(master) ?? []), device]);
	}
	return [...bridges]
		.filter(([, ports]) => ports.length > 1)
		.map(([bridge, ports]) => ({
			code: 'ports_of_one_bridge',
			message: `${ports.map((port) => port.name).join(', ')} are ports of ${bridge.name}: a frame from one to another is copied at both; bridge:${bridge.name}, or --direction rx, copies it once`,
		}));
}

/** eth0 and eth0.10, br0 and its port: what passes one passes the other. */
function stackNotices(devices: readonly Device[]): Notice[] {
	const above = (a: Device, b: Device) => isSame(a.parent, b) || isSame(b.master, a);
	return pairs(devices)
		.filter(([a, b]) => above(a, b) || above(b, a))
		.map(([a, b]) => {
			const [upper, lower] = above(a, b) ? [a, b] : [b, a];
			return {
				code: 'stacked_sources',
				message: `frames of ${upper.name} pass ${lower.name} as well, and are copied at both`,
			};
		});
}

function noticesOf(sources: readonly ResolvedSource[], topology: Topology): Notice[] {
	const named = sources.filter((source) => source.only === null);
	const devices = [...new Set(named.flatMap((source) => topology.device(source) ?? []))];
	return [...bridgeNotices(devices, topology), ...stackNotices(devices)];
}

/** The directions in which to tap a source: turned round at the host's end. */
function tapDirections({ only, flipped }: ResolvedSource, direction: Direction): ('rx' | 'tx')[] {
	const turned = { rx: 'tx', tx: 'rx', both: 'both' } as const;
	const here = flipped ? turned[direction] : direction;
	const wanted = here === 'both' ? (['rx', 'tx'] as const) : [here];
	return wanted.filter((each) => only === null || only === each);
}

export interface SourceTap {
	source: ResolvedSource;
	/** As the tapped interface sees it. */
	direction: 'rx' | 'tx';
}

/**
 * Where to tap sources; direction is as seen from what was named: rx of a container is what the
 * container receives. However many sources want a tap, it is there once.
 */
export function tapsFor(sources: readonly ResolvedSource[], direction: Direction): SourceTap[] {
	const taps = new Map<string, SourceTap>();
	for (const source of sources)
		for (const each of tapDirections(source, direction)) {
			const key = `${source.netns}/${source.ifindex}/${each}`;
			if (!taps.has(key)) taps.set(key, { source, direction: each });
		}
	return [...taps.values()];
}

/**
 * @throws XspanError: bad_source, unknown_interface, no_match, unknown_netns, netns_denied,
 * no_such_process, no_container_runtime, unknown_container, shares_host_network, ambiguous_source,
 * not_a_bridge
 */
export function resolveSources(
	expressions: readonly string[],
	topology: Topology,
	table: ProcessTable = processTable,
): Resolution {
	const sources = withoutRepetition(
		expressions.flatMap((text) => {
			const expression = parseSource(text);
			const devices = selectDevices(expression, topology, table, text);
			return devices.map((device) => tapFor(device, expression, text, topology));
		}),
	);
	return { sources, notices: noticesOf(sources, topology) };
}

/**
 * The one interface that a destination names: netns:ids/eth1, pid:4242/eth0, container:ids/eth1. As it
 * is, not its other end.
 * @throws XspanError as resolveSources()
 */
export function findDevice(
	text: string,
	topology: Topology,
	table: ProcessTable = processTable,
): { device: Device; path: string | null } {
	const devices = selectDevices(parseSource(text), topology, table, text);
	const [device] = devices;
	if (!device || devices.length > 1)
		throw new XspanError(
			'conflict',
			'ambiguous_destination',
			`"${text}" names ${devices.length} interfaces: ${devices.map((each) => each.name).join(', ')}`,
			{ hint: 'name one: netns:ids/eth1' },
		);
	const isOwn = device.netns === topology.own;
	return { device, path: isOwn ? null : (topology.namespace(device.netns)?.path ?? null) };
}
