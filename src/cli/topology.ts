import { writeFileSync } from 'node:fs';
import { Command, Option } from 'commander';
import { readTopology, type Topology, XspanError } from '../index.ts';
import { topologyDot } from './dot.ts';
import { topologySvg } from './svg.ts';
import { topologyTree } from './tree.ts';

interface TopologyOptions {
	json?: boolean;
	dot?: boolean;
	svg?: string;
}

function write(path: string, text: string): void {
	try {
		writeFileSync(path, text);
	} catch (cause) {
		throw new XspanError('output', 'write_failed', `cannot write ${path}`, {
			cause,
			hint: (cause as Error).message,
		});
	}
}

function print(topology: Topology, options: TopologyOptions): void {
	if (options.json) console.log(JSON.stringify(topology));
	else if (options.dot) console.log(topologyDot(topology));
	else if (options.svg === '-') console.log(topologySvg(topology));
	else if (options.svg !== undefined) write(options.svg, `${topologySvg(topology)}\n`);
	else console.log(topologyTree(topology));
}

export function topologyCommand(): Command {
	return new Command('topology')
		.description('show the interfaces of all network namespaces, and how they hang together')
		.addOption(new Option('--json', 'print JSON').conflicts(['dot', 'svg']))
		.addOption(new Option('--dot', 'print a graph for Graphviz').conflicts(['json', 'svg']))
		.addOption(
			new Option('--svg <file>', 'draw a picture; - is standard output').conflicts(['json', 'dot']),
		)
		.action((options: TopologyOptions) => print(readTopology(), options));
}
