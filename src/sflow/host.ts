/** Counters of the host itself (sFlow Host Structures, sFlow Host TCP/IP Counters). */
import type { Link } from '../topology/links.ts';
import type { RecordWriter } from './counter-sample.ts';
import { DataSource } from './data-source.ts';
import { type Adapter, adaptersOf, writeAdapters } from './host/adapters.ts';
import { type CpuCounters, readCpu, writeCpu } from './host/cpu.ts';
import { type HostDescription, readDescription, writeDescription } from './host/description.ts';
import {
	type DiskSpace,
	type DiskTransfers,
	readDiskSpace,
	readDiskTransfers,
	writeDisk,
} from './host/disk.ts';
import { type MemoryCounters, readMemory, writeMemory } from './host/memory.ts';
import { type MibCounters, mibRecords, readMib } from './host/mib.ts';
import { type NetworkCounters, sumNetwork, writeNetwork } from './host/network.ts';
import { writeNode } from './host/node.ts';
import { writeParent } from './host/parent.ts';
import { SourceClass } from './structures.ts';

export interface HostCounters {
	description: HostDescription;
	adapters: Adapter[];
	/** The host around it, when this is a container or virtual machine. */
	parent?: DataSource;
	cpu: CpuCounters;
	memory: MemoryCounters;
	space: DiskSpace;
	transfers: DiskTransfers;
	network: NetworkCounters;
	mib: MibCounters;
	/** Containers and namespaces that are data sources. */
	domains: number;
}

/** The data source of a whole host, as the Host sFlow agent numbers it. */
export const hostSource = (): DataSource => new DataSource(SourceClass.physicalEntity, 1);

export function readHostCounters(links: readonly Link[], domains = 0): HostCounters {
	return {
		description: readDescription(),
		adapters: adaptersOf(links),
		cpu: readCpu(),
		memory: readMemory(),
		space: readDiskSpace(),
		transfers: readDiskTransfers(),
		network: sumNetwork(links),
		mib: readMib(),
		domains,
	};
}

export function hostRecords(host: HostCounters): RecordWriter[] {
	const { parent, domains } = host;
	return [
		(xdr) => writeDescription(xdr, host.description),
		(xdr) => writeAdapters(xdr, host.adapters),
		...(parent ? ([(xdr) => writeParent(xdr, parent)] satisfies RecordWriter[]) : []),
		(xdr) => writeCpu(xdr, host.cpu),
		(xdr) => writeMemory(xdr, host.memory),
		(xdr) => writeDisk(xdr, host.space, host.transfers),
		(xdr) => writeNetwork(xdr, host.network),
		...mibRecords(host.mib),
		...(domains > 0
			? ([(xdr) => writeNode(xdr, host.cpu, host.memory, domains)] satisfies RecordWriter[])
			: []),
	];
}
