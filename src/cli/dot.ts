/** The topology in the language of Graphviz. */
import { type Device, type DeviceRef, describeKind, type Topology } from '../index.ts';
import { addressesOf, namespaceTitle, programsOf } from './device-text.ts';

const quote = (text: string): string => `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;

const idOf = ({ netns, ifindex }: DeviceRef): string => quote(`${netns}/${ifindex}`);

function node(device: Device): string {
	const label = [
		device.name,
		describeKind(device),
		addressesOf(device),
		device.promiscuity > 0 ? `promiscuous (${device.promiscuity})` : '',
		...programsOf(device),
	];
	const text = label.filter(Boolean).map((each) => quote(each).slice(1, -1));
	const color = device.promiscuity > 0 ? ', color=red' : '';
	return `    ${idOf(device)} [label="${text.join('\\n')}"${color}];`;
}

function edges(device: Device): string[] {
	const to = (ref: DeviceRef, style: string) => `  ${idOf(device)} -> ${idOf(ref)} [${style}];`;
	const { master, parent, peer } = device;
	const isFirstEnd =
		peer !== null &&
		(device.netns < peer.netns || (device.netns === peer.netns && device.ifindex < peer.ifindex));
	return [
		...(master ? [to(master, 'label="port of"')] : []),
		...(parent ? [to(parent, 'label="on", style=dashed')] : []),
		...(peer && isFirstEnd ? [to(peer, 'dir=none, penwidth=2')] : []),
	];
}

export function topologyDot(topology: Topology): string {
	const clusters = topology.namespaces.map((namespace) =>
		[
			`  subgraph ${quote(`cluster_${namespace.inode}`)} {`,
			`    label=${quote(namespaceTitle(namespace))};`,
			...topology.devicesIn(namespace.inode).map(node),
			'  }',
		].join('\n'),
	);
	return [
		'digraph xspan {',
		'  rankdir=LR;',
		'  node [shape=box, fontname="sans-serif"];',
		...clusters,
		...topology.devices.flatMap(edges),
		'}',
	].join('\n');
}
