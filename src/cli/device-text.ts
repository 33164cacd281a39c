/** Words for namespaces and devices, in the tree and in the pictures. */
import {
	type Device,
	describeDevice,
	describeNamespace,
	deviceIsUp,
	type Namespace,
	type Topology,
} from '../index.ts';

export function namespaceTitle(namespace: Namespace): string {
	const { own, names, pids, command, unreadable } = namespace;
	const others = own ? names : names.slice(1);
	const parts = [describeNamespace(namespace), ...others.map((name) => `netns ${name}`)];
	if (names.length && !own && pids[0] !== undefined)
		parts.push(`pid ${pids[0]} ${command ?? ''}`.trimEnd());
	if (unreadable) parts.push(`may not be looked into (${unreadable})`);
	return parts.join(', ');
}

/** Where its frames go that is not shown by its place in the tree. */
export function relation(device: Device, topology: Topology): string {
	const peer = topology.device(device.peer);
	if (peer) return `<-> ${describeDevice(peer, topology)}`;
	const parent = topology.device(device.parent);
	if (parent && (parent.netns !== device.netns || device.master))
		return `on ${describeDevice(parent, topology)}`;
	return device.hidden ? '<-> a namespace that cannot be seen' : '';
}

export const addressesOf = (device: Device): string =>
	device.addresses.map(({ address, prefix }) => `${address}/${prefix}`).join(' ');

/** What hangs on it: "tcx rx xs_tc (id 12)". */
export const programsOf = (device: Device): string[] =>
	device.programs.map(({ hook, direction, name, id }) =>
		hook === 'xdp' ? `xdp ${name} (id ${id})` : `tcx ${direction} ${name} (id ${id})`,
	);

export const stateOf = (device: Device): string => (deviceIsUp(device) ? '' : 'down');
