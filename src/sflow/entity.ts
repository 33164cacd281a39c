/** Counters of a container or named namespace (sFlow Host Structures: a virtual node). */
import { native } from '../native.ts';
import { isPaired, kindOf } from '../topology/device.ts';
import type { LogicalEntity } from '../topology/entities.ts';
import type { Link } from '../topology/links.ts';
import { isDenied, openNamespace } from '../topology/read.ts';
import type { RecordWriter } from './counter-sample.ts';
import { groupReader } from './entity/control-group.ts';
import { readVirtualCpu, type VirtualCpu, writeVirtualCpu } from './entity/cpu.ts';
import { readVirtualDisk, type VirtualDisk, writeVirtualDisk } from './entity/disk.ts';
import { readVirtualMemory, type VirtualMemory, writeVirtualMemory } from './entity/memory.ts';
import { entityUuid } from './entity/uuid.ts';
import { type Adapter, adaptersOf, writeAdapters } from './host/adapters.ts';
import { type HostDescription, readDescription, writeDescription } from './host/description.ts';
import { readDiskNumbers } from './host/disk.ts';
import { type MibCounters, mibRecords, parseSnmp } from './host/mib.ts';
import { type NetworkCounters, sumOutside, writeNetwork } from './host/network.ts';
import { writeParent } from './host/parent.ts';
import { hostSource } from './host.ts';
import { CounterRecord } from './structures.ts';

/** What its control group says; null: not known. */
export interface GroupCounters {
	cpu: VirtualCpu | null;
	memory: VirtualMemory | null;
	disk: VirtualDisk | null;
}

/** What its network namespace says. */
export interface NamespaceCounters {
	adapters: Adapter[];
	network: NetworkCounters;
	/** Empty: not known. */
	mib: MibCounters;
}

export interface EntityCounters extends GroupCounters, NamespaceCounters {
	description: HostDescription;
}

const NO_GROUP: GroupCounters = { cpu: null, memory: null, disk: null };

function readGroup(pid: number, id: string): GroupCounters {
	const read = groupReader(pid, id);
	return {
		cpu: readVirtualCpu(read),
		memory: readVirtualMemory(read),
		disk: readVirtualDisk(read, readDiskNumbers()),
	};
}

/**
 * The index of an interface's other end, when that is in the host: there it can be a data source.
 * @param hostId of the host's namespace, as links of this one use it in linkNetnsid; -1: it has none
 */
export function hostIfIndex(link: Link, hostId: number): number {
	const isHere = hostId >= 0 && link.linkNetnsid === hostId && isPaired(kindOf(link));
	return isHere ? (link.link ?? 0) : 0;
}

/** Null: it has gone, or may not be entered any more. */
function readNamespace({ netns, path }: LogicalEntity): NamespaceCounters | null {
	const host = new native.Netns();
	try {
		const handle = openNamespace({ own: false, path, inode: netns });
		if (!handle) return null;
		try {
			const [links, hostId] = [handle.links(), handle.idOf(host)];
			return {
				adapters: adaptersOf(links, (link) => hostIfIndex(link, hostId)),
				network: sumOutside(links),
				mib: parseSnmp(handle.snmp()),
			};
		} finally {
			handle.close();
		}
	} catch (error) {
		if (isDenied(error)) return null;
		throw error;
	} finally {
		host.close();
	}
}

/** The machine and its system are those of the host. */
function describe({ id, name }: LogicalEntity): HostDescription {
	const host = readDescription();
	return { ...host, hostname: name, uuid: entityUuid(id, host.uuid) };
}

/** Null: it has gone. */
export function readEntityCounters(entity: LogicalEntity): EntityCounters | null {
	const namespace = readNamespace(entity);
	if (!namespace) return null;
	const group = entity.pid === null ? NO_GROUP : readGroup(entity.pid, entity.id);
	return { description: describe(entity), ...namespace, ...group };
}

export function entityRecords(entity: EntityCounters): RecordWriter[] {
	const { cpu, memory, disk, mib } = entity;
	const known = <T>(counters: T | null, write: (counters: T) => RecordWriter): RecordWriter[] =>
		counters === null ? [] : [write(counters)];
	return [
		(xdr) => writeDescription(xdr, entity.description),
		(xdr) => writeAdapters(xdr, entity.adapters),
		(xdr) => writeParent(xdr, hostSource()),
		...known(cpu, (counters) => (xdr) => writeVirtualCpu(xdr, counters)),
		...known(memory, (counters) => (xdr) => writeVirtualMemory(xdr, counters)),
		...known(disk, (counters) => (xdr) => writeVirtualDisk(xdr, counters)),
		(xdr) => writeNetwork(xdr, entity.network, CounterRecord.virtualNetwork),
		...(mib.size > 0 ? mibRecords(mib) : []),
	];
}
