/** Hosts written down as data: namespaces with links, as they would be read. */

import { XspanError } from '../../src/errors.ts';
import type { Container } from '../../src/topology/containers.ts';
import type { Device } from '../../src/topology/device.ts';
import type { Link } from '../../src/topology/links.ts';
import type { ProcessTable } from '../../src/topology/select.ts';
import { type Namespace, type NamespaceReading, Topology } from '../../src/topology/topology.ts';

export const OWN = 100;

export function namespace(inode: number, more: Partial<Namespace> = {}): Namespace {
	return {
		inode,
		path: inode === OWN ? '/proc/self/ns/net' : `/run/netns/ns${inode}`,
		names: inode === OWN ? [] : [`ns${inode}`],
		pids: inode === OWN ? [1] : [],
		command: inode === OWN ? 'init' : null,
		own: inode === OWN,
		unreadable: null,
		...more,
	};
}

export interface Written {
	namespace?: Partial<Namespace>;
	links: Link[];
	addresses?: Record<string, string>;
	ids?: Record<number, number>;
}

/** Addresses by interface: {eth0: '10.0.0.1/24'}. */
function reading(inode: number, { links, addresses = {}, ids = {}, ...rest }: Written) {
	const result: NamespaceReading = {
		namespace: namespace(inode, rest.namespace),
		links,
		addresses: Object.entries(addresses).map(([name, text]) => {
			const [address = '', prefix] = text.split('/');
			const ifindex = links.find((link) => link.name === name)?.ifindex ?? 0;
			return { ifindex, address, prefix: Number(prefix) };
		}),
		programs: [],
		ids: new Map(Object.entries(ids).map(([id, netns]) => [Number(id), netns])),
	};
	return result;
}

export function topologyOf(written: Record<number, Written>): Topology {
	return new Topology(Object.entries(written).map(([inode, each]) => reading(Number(inode), each)));
}

/** The device of this name; the first, where several namespaces have one. */
export function deviceOf(topology: Topology, name: string): Device {
	const found = topology.devices.find((device) => device.name === name);
	if (!found) throw new Error(`no ${name}`);
	return found;
}

export function processes(
	netns: Record<number, number> = {},
	containers: Container[] = [],
	tuns: Record<number, string[]> = {},
): ProcessTable {
	return {
		netnsOf: (pid) => {
			const inode = netns[pid];
			if (inode === undefined) throw new XspanError('notFound', 'no_such_process', `no ${pid}`);
			return inode;
		},
		tunsOf: (pid) => tuns[pid] ?? [],
		containers: () => containers,
	};
}
