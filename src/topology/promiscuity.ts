/** Which interfaces are promiscuous, because of what, and whether that is as it should be. */
import {
	type Device,
	type DeviceRef,
	deviceIsUp,
	isSame,
	isSetByAdministrator,
	macvlanMode,
} from './device.ts';
import { describeDevice } from './select.ts';
import type { Namespace, Topology } from './topology.ts';

/** A packet socket that asked for an interface to be promiscuous. */
export interface PacketHolder extends DeviceRef {
	/** Inode of the socket. */
	socket: number;
	/** null: its process cannot be seen from here. */
	pid: number | null;
	command: string | null;
}

/** The interface behind a reason, which may be in another namespace. */
export interface OtherDevice extends DeviceRef {
	kind: string;
	/** For people: "br0", "eth0 in netns web". */
	name: string;
}

/** Each stands for one in the counter, `unexplained` for what is left of it. */
export type PromiscuityReason =
	| { reason: 'administrator' }
	| ({ reason: 'port' | 'lower_device' } & OtherDevice)
	/** It has to receive for the addresses of these, and its driver cannot filter by several. */
	| { reason: 'more_addresses'; of: OtherDevice[] }
	| { reason: 'packet_socket'; socket: number; pid: number | null; command: string | null }
	| { reason: 'unexplained'; count: number };

export interface PromiscuousInterface extends DeviceRef {
	interface: string;
	kind: string;
	promiscuity: number;
	reasons: PromiscuityReason[];
}

export interface PromiscuityFinding extends DeviceRef {
	finding: 'inconsistent' | 'hairpin' | 'left_behind';
	interface: string;
	/** A sentence. */
	message: string;
	/** Commands that repair it. */
	remedy: string[];
}

export interface PromiscuityAudit {
	interfaces: PromiscuousInterface[];
	findings: PromiscuityFinding[];
	/** false: this kernel cannot tell who holds packet sockets. */
	socketsKnown: boolean;
}

const isBridge = (device: Device): boolean => device.kind === 'bridge';

/** Bonds of mode active-backup (1), balance-tlb (5) and balance-alb (6) pass it to the active port only. */
const passesToOnePort = (bond: Device): boolean => [1, 5, 6].includes(bond.bond?.mode ?? -1);

/**
 * Whether a master makes its port promiscuous. A bridge that filters by VLAN need not: it knows
 * which addresses are behind the others.
 */
function isPromiscuousPort(device: Device, master: Device): boolean {
	if (isBridge(master)) return !master.bridge?.vlanFiltering || device.promiscuity > 0;
	if (master.kind === 'openvswitch') return true;
	return master.promiscuity > 0 && (!passesToOnePort(master) || device.promiscuity > 0);
}

/** include/uapi/linux/if_link.h */
const MACVLAN_FLAG_NOPROMISC = 1;

/** Whether an interface on top makes its parent promiscuous. */
function passesDown(child: Device): boolean {
	if (!deviceIsUp(child)) return false;
	if (child.macvlan && macvlanMode(child) === 'passthru')
		return ((child.macvlan.flags ?? 0) & MACVLAN_FLAG_NOPROMISC) === 0;
	return child.promiscuity > 0 && (child.vlan !== undefined || child.macvlan !== undefined);
}

const other = (device: Device, topology: Topology): OtherDevice => ({
	netns: device.netns,
	ifindex: device.ifindex,
	kind: device.kind,
	name: describeDevice(device, topology),
});

function devicesWithOtherAddress(device: Device, topology: Topology): Device[] {
	return device.children
		.flatMap((ref) => topology.device(ref) ?? [])
		.filter((child) => child.macvlan !== undefined || child.vlan !== undefined)
		.filter((child) => deviceIsUp(child) && child.address !== device.address);
}

function reasonsOf(
	device: Device,
	topology: Topology,
	holders: readonly PacketHolder[],
): PromiscuityReason[] {
	const reasons: PromiscuityReason[] = [];
	if (isSetByAdministrator(device)) reasons.push({ reason: 'administrator' });
	const master = topology.device(device.master);
	if (master && isPromiscuousPort(device, master))
		reasons.push({ reason: 'port', ...other(master, topology) });
	for (const ref of device.children) {
		const child = topology.device(ref);
		if (child && passesDown(child))
			reasons.push({ reason: 'lower_device', ...other(child, topology) });
	}
	for (const { socket, pid, command } of holders.filter((holder) => isSame(holder, device)))
		reasons.push({ reason: 'packet_socket', socket, pid, command });
	const others = devicesWithOtherAddress(device, topology);
	if (device.promiscuity > reasons.length && others.length)
		reasons.push({ reason: 'more_addresses', of: others.map((each) => other(each, topology)) });
	const count = device.promiscuity - reasons.length;
	return count > 0 ? [...reasons, { reason: 'unexplained', count }] : reasons;
}

/** A command for another namespace. */
function inNamespace(namespace: Namespace | null, command: string): string {
	if (!namespace || namespace.own) return command;
	return `nsenter --net=${namespace.path} ${command}`;
}

/** These receive every frame that reaches them, promiscuous or not. */
const WITHOUT_FILTER = new Set([
	'veth',
	'netkit',
	'tap',
	'tun',
	'vxlan',
	'geneve',
	'gretap',
	'dummy',
]);

const portsOf = (device: Device, topology: Topology): Device[] =>
	device.ports.flatMap((ref) => topology.device(ref) ?? []);

/** Whether frames for addresses behind this master have to pass its ports. */
function needsPromiscuousPorts(master: Device, ports: readonly Device[]): boolean {
	if (master.promiscuity > 0) return !passesToOnePort(master);
	return isBridge(master) && ports.length > 1 && ports.some((port) => port.promiscuity > 0);
}

function inconsistent(master: Device, topology: Topology): PromiscuityFinding[] {
	const ports = portsOf(master, topology);
	if (!needsPromiscuousPorts(master, ports)) return [];
	const because =
		master.promiscuity > 0 ? 'is promiscuous' : 'has other ports that are promiscuous';
	return ports
		.filter((port) => port.promiscuity === 0 && !WITHOUT_FILTER.has(port.kind))
		.map((port) => ({
			finding: 'inconsistent',
			netns: port.netns,
			ifindex: port.ifindex,
			interface: port.name,
			message: `${master.kind} ${describeDevice(master, topology)} ${because}, but its port ${port.name} is not: frames for addresses behind ${master.name} may die in ${port.name}, until something like tcpdump makes it promiscuous for a while`,
			remedy: [
				inNamespace(topology.namespace(port.netns), `ip link set dev ${port.name} promisc on`),
			],
		}));
}

function hairpin(bridge: Device, topology: Topology): PromiscuityFinding[] {
	if (!isBridge(bridge) || !isSetByAdministrator(bridge)) return [];
	const ports = portsOf(bridge, topology).filter(
		(port) => port.hidden || (port.peer !== null && port.peer.netns !== port.netns),
	);
	if (ports.length === 0 || ports.some((port) => port.bridgePort?.hairpin)) return [];
	const say = (command: string) => inNamespace(topology.namespace(bridge.netns), command);
	return [
		{
			finding: 'hairpin',
			netns: bridge.netns,
			ifindex: bridge.ifindex,
			interface: bridge.name,
			message: `bridge ${describeDevice(bridge, topology)} was made promiscuous, and none of its ports to containers has hairpin on: if that is so that a container reaches itself through its service, hairpin on the port does it without copying every frame to the host`,
			remedy: [
				...ports.map((port) => say(`bridge link set dev ${port.name} hairpin on`)),
				say(`ip link set dev ${bridge.name} promisc off`),
			],
		},
	];
}

function leftBehind(
	device: Device,
	reasons: readonly PromiscuityReason[],
	topology: Topology,
): PromiscuityFinding[] {
	const alone = reasons.length === 1 && reasons[0]?.reason === 'administrator';
	if (device.kind !== 'physical' || !alone) return [];
	return [
		{
			finding: 'left_behind',
			netns: device.netns,
			ifindex: device.ifindex,
			interface: device.name,
			message: `${describeDevice(device, topology)} was made promiscuous by hand (or by a script), and nothing uses it: no bridge, no capture`,
			remedy: [
				inNamespace(topology.namespace(device.netns), `ip link set dev ${device.name} promisc off`),
			],
		},
	];
}

/** holders: null when the kernel cannot tell. */
export function auditPromiscuity(
	topology: Topology,
	holders: readonly PacketHolder[] | null,
): PromiscuityAudit {
	const promiscuous = topology.devices.filter((device) => device.promiscuity > 0);
	const interfaces = promiscuous.map((device) => ({
		device,
		reasons: reasonsOf(device, topology, holders ?? []),
	}));
	return {
		interfaces: interfaces.map(({ device, reasons }) => ({
			netns: device.netns,
			ifindex: device.ifindex,
			interface: device.name,
			kind: device.kind,
			promiscuity: device.promiscuity,
			reasons,
		})),
		findings: [
			...topology.devices
				.filter((device) => device.ports.length > 0)
				.flatMap((device) => inconsistent(device, topology)),
			...interfaces.flatMap(({ device, reasons }) => [
				...hairpin(device, topology),
				...leftBehind(device, reasons, topology),
			]),
		],
		socketsKnown: holders !== null,
	};
}
