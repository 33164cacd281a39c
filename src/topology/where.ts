/** Where something is on this host, and where to tap for what. */
import { isIP } from 'node:net';
import { XspanError } from '../errors.ts';
import type { Container } from './containers.ts';
import { type Device, deviceIsUp, isSame, macvlanMode } from './device.ts';
import { canonicalIp, canonicalMac, matcherOf, parseSource } from './expression.ts';
import { nearestNames } from './links.ts';
import { processTable } from './resolve.ts';
import {
	describeDevice,
	devicesWithIp,
	devicesWithMac,
	type ProcessTable,
	selectDevices,
} from './select.ts';
import type { Namespace, Topology } from './topology.ts';

/** One way to look: what is seen, at which source, and what to know about it. */
export interface Advice {
	see: string;
	/** A source for xspan; null: nothing to tap, only something to know. */
	source: string | null;
	note: string | null;
}

export interface Place {
	device: Device;
	namespace: Namespace;
	/** Those in the namespace: several are a pod. */
	containers: Container[];
	/** The end of its veth pair that is in this namespace. */
	hostEnd: Device | null;
	/** The bridge that it, or its host-side end, is a port of. */
	bridge: Device | null;
	parent: Device | null;
	advice: Advice[];
}

/** How a device is written as a source. */
function sourceOf(device: Device, topology: Topology): string | null {
	const namespace = topology.namespace(device.netns);
	if (!namespace) return null;
	if (namespace.own) return device.name;
	if (namespace.names[0]) return `netns:${namespace.names[0]}/${device.name}`;
	return namespace.pids[0] === undefined ? null : `pid:${namespace.pids[0]}/${device.name}`;
}

function atItself(device: Device, hostEnd: Device | null, topology: Topology): Advice {
	const see = `all that ${device.name} receives and sends`;
	if (hostEnd)
		return {
			see,
			source: hostEnd.name,
			note: `the host's end: what ${device.name} sends is received there`,
		};
	const note =
		device.kind === 'tun' ? 'its frames have no Ethernet header: IP packets' : whatPasses(device);
	return { see, source: sourceOf(device, topology), note };
}

function whatPasses(device: Device): string | null {
	if (device.kind === 'bridge')
		return 'only what the host itself sends and receives: frames between its ports do not pass it';
	if (device.kind === 'tap') return 'what the guest sends is received here';
	if (!deviceIsUp(device)) return `it is down: ip link set ${device.name} up`;
	return null;
}

function atPorts(bridge: Device, topology: Topology): Advice[] {
	if (bridge.netns !== topology.own || bridge.ports.length === 0) return [];
	return [
		{
			see: `all that passes the bridge ${bridge.name}, between its ${bridge.ports.length} ports too`,
			source: `bridge:${bridge.name}`,
			note: 'received frames of every port, so each frame once; what the host itself sends enters at no port',
		},
	];
}

function siblingsOf(device: Device, topology: Topology): Device[] {
	const parent = topology.device(device.parent);
	return (parent?.children ?? [])
		.flatMap((ref) => topology.device(ref) ?? [])
		.filter((each) => !isSame(each, device) && each.kind === device.kind);
}

const namesOf = (devices: readonly Device[], topology: Topology): string =>
	devices.map((each) => describeDevice(each, topology)).join(', ');

/** What of a macvlan's frames its parent sees: depends on the mode. */
function atMacvlanParent(device: Device, parent: Device, topology: Topology): Advice {
	const siblings = siblingsOf(device, topology);
	const source = sourceOf(parent, topology);
	const outside = `what ${device.name} exchanges with the outside`;
	switch (macvlanMode(device)) {
		case 'bridge':
			return {
				see: outside,
				source,
				note: `what macvlans of ${parent.name} send to each other${siblings.length ? ` (${namesOf(siblings, topology)})` : ''} is seen here as received, and not as sent: in bridge mode it turns round above the wire; tap ${device.name} itself for both directions`,
			};
		case 'VEPA':
			return {
				see: `all of ${device.name}`,
				source,
				note: `also what macvlans send to each other: it leaves through ${parent.name} and comes back from the switch`,
			};
		case 'private':
			return {
				see: outside,
				source,
				note: 'in private mode the macvlans of one parent cannot reach each other',
			};
		case 'passthru':
			return {
				see: `all of ${device.name}`,
				source,
				note: `in passthru mode it has ${parent.name} for itself, which is promiscuous for it`,
			};
		default:
			return { see: outside, source, note: null };
	}
}

function atParent(device: Device, topology: Topology): Advice[] {
	const parent = topology.device(device.parent);
	if (!parent) return [];
	if (device.macvlan) return [atMacvlanParent(device, parent, topology)];
	const source = sourceOf(parent, topology);
	if (device.ipvlan)
		return [
			{
				see: `what ${device.name} exchanges with the outside`,
				source,
				note: `not what ipvlans of ${parent.name} send to each other: that never passes ${parent.name}; tap ${device.name} itself`,
			},
		];
	if (device.vlan)
		return [
			{
				see: `its frames with their VLAN tag, and those of all other VLANs`,
				source,
				note: `filter: vlan ${device.vlan.id}`,
			},
		];
	if (device.vxlan)
		return [
			{
				see: 'its frames inside their UDP packets, and all else',
				source,
				note: 'filter: udp port 4789',
			},
		];
	return [{ see: 'what it sends and receives through its parent', source, note: null }];
}

/** The macvlans and ipvlans on it, whose frames to each other it does not see. */
function aboutChildren(device: Device, topology: Topology): Advice[] {
	const children = device.children.flatMap((ref) => topology.device(ref) ?? []);
	const talking = children.filter(
		(each) => each.ipvlan || (each.macvlan && macvlanMode(each) === 'bridge'),
	);
	if (talking.length < 2) return [];
	return [
		{
			see: `what ${namesOf(talking, topology)} send to each other`,
			source: talking.map((each) => sourceOf(each, topology)).join(' '),
			note: `it never passes ${device.name}`,
		},
	];
}

/** A bond's or team's ports see the frames as they are on each wire. */
function atSlaves(device: Device): Advice[] {
	if ((device.kind !== 'bond' && device.kind !== 'team') || device.ports.length === 0) return [];
	return [
		{
			see: 'what takes which way, and LACP',
			source: null,
			note: 'tap its ports instead of it: frames are copied once at each place',
		},
	];
}

function placeOf(device: Device, topology: Topology, containers: readonly Container[]): Place {
	const hostEnd = topology.hostEnd(device);
	const master = topology.device((hostEnd ?? device).master);
	const bridge =
		master && (master.kind === 'bridge' || master.kind === 'openvswitch') ? master : null;
	const namespace = topology.namespace(device.netns);
	if (!namespace) throw new Error(`a device of an unknown namespace: ${device.netns}`);
	return {
		device,
		namespace,
		containers: namespace.own ? [] : containers.filter((each) => each.netns === device.netns),
		hostEnd,
		bridge,
		parent: topology.device(device.parent),
		advice: [
			atItself(device, hostEnd, topology),
			...atPorts(device.kind === 'bridge' ? device : (bridge ?? device), topology),
			...atParent(device, topology),
			...aboutChildren(device, topology),
			...atSlaves(device),
		],
	};
}

const toNumber = (address: string): bigint | null => {
	if (isIP(address) !== 4) return null;
	return address.split('.').reduce((sum, byte) => sum * 256n + BigInt(byte), 0n);
};

function contains(network: { address: string; prefix: number }, address: string): boolean {
	const [a, b] = [toNumber(network.address), toNumber(address)];
	const rest = BigInt(32 - network.prefix);
	return a !== null && b !== null && network.prefix > 0 && a >> rest === b >> rest;
}

/** Whose network an address belongs to that no interface has. */
function nearIp(address: string, topology: Topology): string {
	const near = topology.devices.find((device) =>
		device.addresses.some((each) => contains(each, address)),
	);
	return near
		? `it belongs to the network of ${describeDevice(near, topology)}: another host has it, or a guest behind a TAP, or a namespace that cannot be seen`
		: 'xspan topology shows the addresses of all interfaces';
}

function notHere(query: string, hint: string): XspanError {
	return new XspanError('notFound', 'no_match', `"${query}" is nowhere on this host`, { hint });
}

function devicesFor(query: string, topology: Topology, table: ProcessTable): Device[] {
	const mac = canonicalMac(query.replace(/^mac:/, ''));
	if (mac !== null) {
		const found = devicesWithMac(mac, topology);
		if (found.length) return found;
		throw notHere(query, 'a guest behind a TAP or an external host may have it');
	}
	const ip = canonicalIp(query.replace(/^ip:/, ''));
	if (ip !== null) {
		const found = devicesWithIp(ip, topology);
		if (found.length) return found;
		throw notHere(query, nearIp(ip, topology));
	}
	const expression = parseSource(query);
	if (expression.type !== 'interface') return selectDevices(expression, topology, table, query);
	const matches = matcherOf(expression.pattern);
	const found = topology.devices.filter((device) => matches(device.name));
	if (found.length) return found;
	const near = nearestNames(query, topology.devices);
	throw notHere(
		query,
		near.length
			? `did you mean ${[...new Set(near)].join(' or ')}?`
			: 'write an address, a name of an interface, container:NAME or pid:PID',
	);
}

/**
 * Everything that has this address or name, in whichever namespace.
 * @throws XspanError no_match and what resolving throws
 */
export function whereIs(
	query: string,
	topology: Topology,
	table: ProcessTable = processTable,
): Place[] {
	const devices = devicesFor(query, topology, table);
	const containers = devices.some((device) => device.netns !== topology.own)
		? table.containers()
		: [];
	return devices.map((device) => placeOf(device, topology, containers));
}
