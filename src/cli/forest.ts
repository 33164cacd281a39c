/** The devices of a namespace as trees: under each its ports, and what is stacked on it. */
import type { Device, DeviceRef, Topology } from '../index.ts';

export interface TreeNode {
	device: Device;
	below: TreeNode[];
}

const isIn = (ref: DeviceRef | null, netns: number): boolean => ref?.netns === netns;

/** A device with master and parent (a VLAN in a bridge) is found under its master. */
const isRoot = (device: Device): boolean =>
	device.master === null && !isIn(device.parent, device.netns);

export function forestOf(netns: number, topology: Topology): TreeNode[] {
	const node = (device: Device): TreeNode => {
		const children = device.children.flatMap((ref) => topology.device(ref) ?? []);
		const ports = device.ports.flatMap((ref) => topology.device(ref) ?? []);
		const stacked = children.filter((each) => each.netns === netns && each.master === null);
		return { device, below: [...ports, ...stacked].map(node) };
	};
	return topology.devicesIn(netns).filter(isRoot).map(node);
}
