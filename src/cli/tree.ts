/** The topology as text. */
import { describeKind, type Topology } from '../index.ts';
import { addressesOf, namespaceTitle, programsOf, relation, stateOf } from './device-text.ts';
import { forestOf, type TreeNode } from './forest.ts';
import { paint } from './print.ts';

const NAME_COLUMN = 28;

function line(prefix: string, { device }: TreeNode, topology: Topology): string {
	const left = prefix + device.name;
	const facts = [
		describeKind(device),
		relation(device, topology),
		addressesOf(device),
		paint.dim(stateOf(device)),
		device.promiscuity > 0 ? paint.red(`promiscuous (${device.promiscuity})`) : '',
		...programsOf(device).map((text) => paint.yellow(text)),
	];
	const name = paint.bold(device.name) + ' '.repeat(Math.max(NAME_COLUMN - left.length, 1));
	return prefix + name + facts.filter(Boolean).join('  ');
}

function lines(nodes: readonly TreeNode[], indent: string, topology: Topology): string[] {
	return nodes.flatMap((node, i) => {
		const isLast = i === nodes.length - 1;
		return [
			line(`${indent}${isLast ? '└─ ' : '├─ '}`, node, topology),
			...lines(node.below, `${indent}${isLast ? '   ' : '│  '}`, topology),
		];
	});
}

export function topologyTree(topology: Topology): string {
	return topology.namespaces
		.map((namespace) =>
			[
				paint.cyan(namespaceTitle(namespace)),
				...lines(forestOf(namespace.inode, topology), '', topology),
			].join('\n'),
		)
		.join('\n\n');
}
