/** Reads the topology of this host: one dump of interfaces and one of addresses per namespace. */
import { hasCode } from '../errors.ts';
import { type NativeNetns, native } from '../native.ts';
import type { AttachedProgram } from './device.ts';
import type { Link } from './links.ts';
import { findNamespaces } from './namespaces.ts';
import { type Namespace, type NamespaceReading, Topology } from './topology.ts';

type ProgramOf = AttachedProgram & { ifindex: number };

/** A namespace that can be asked, until it is closed. */
export interface OpenNamespace {
	namespace: Namespace;
	handle: NativeNetns;
}

export const isDenied = (error: unknown): boolean => hasCode(error, 'EPERM', 'EACCES');

/** null: it is gone, or its path leads to another one by now. */
export function openNamespace(
	namespace: Pick<Namespace, 'own' | 'path' | 'inode'>,
): NativeNetns | null {
	try {
		const handle = namespace.own ? new native.Netns() : new native.Netns(namespace.path);
		if (handle.inode() === namespace.inode) return handle;
		handle.close();
		return null;
	} catch (error) {
		if (hasCode(error, 'ENOENT', 'ESRCH')) return null;
		throw error;
	}
}

/** Names of programs, each asked for once. */
class ProgramNames {
	private readonly known = new Map<number, string>();

	of(id: number): string {
		const name = this.known.get(id) ?? native.program(id)?.name ?? '';
		this.known.set(id, name);
		return name;
	}
}

function programsOf(handle: NativeNetns, links: readonly Link[], names: ProgramNames): ProgramOf[] {
	const programs: ProgramOf[] = [];
	const add = (ifindex: number, hook: 'tcx' | 'xdp', direction: 'rx' | 'tx', id: number) =>
		programs.push({ ifindex, hook, direction, id, name: names.of(id) });
	for (const { ifindex, xdpProgramId } of links)
		if (xdpProgramId) add(ifindex, 'xdp', 'rx', xdpProgramId);
	for (const { ifindex, rx, tx } of handle.tcxPrograms(links.map((link) => link.ifindex))) {
		for (const id of rx) add(ifindex, 'tcx', 'rx', id);
		for (const id of tx) add(ifindex, 'tcx', 'tx', id);
	}
	return programs;
}

/** Asks the kernel which namespace each id stands for, only as far as links need it. */
function idsOf(
	handle: NativeNetns,
	links: readonly Link[],
	others: readonly OpenNamespace[],
): Map<number, number> {
	const wanted = new Set(links.map((link) => link.linkNetnsid).filter((id) => id !== undefined));
	const ids = new Map<number, number>();
	for (const { handle: other, namespace } of others) {
		if ([...wanted].every((id) => ids.has(id))) break;
		const id = handle.idOf(other);
		if (id >= 0) ids.set(id, namespace.inode);
	}
	return ids;
}

export const nothingIn = (namespace: Namespace): NamespaceReading => ({
	namespace,
	links: [],
	addresses: [],
	programs: [],
	ids: new Map(),
});

/** names: null leaves the programs out. */
export function readNamespace(
	{ namespace, handle }: OpenNamespace,
	all: readonly OpenNamespace[],
	names: ProgramNames | null,
): NamespaceReading {
	try {
		const links = handle.links();
		return {
			namespace,
			links,
			addresses: handle.addresses(),
			programs: names ? programsOf(handle, links, names) : [],
			ids: idsOf(handle, links, all),
		};
	} catch (error) {
		if (isDenied(error)) return nothingIn({ ...namespace, unreadable: 'EPERM' });
		throw error;
	}
}

/** Opens what can be opened; `denied` are those that may not even be opened. */
function openAll(namespaces: readonly Namespace[]): {
	open: OpenNamespace[];
	denied: Namespace[];
} {
	const open: OpenNamespace[] = [];
	const denied: Namespace[] = [];
	for (const namespace of namespaces)
		try {
			const handle = openNamespace(namespace);
			if (handle) open.push({ namespace, handle });
		} catch (error) {
			if (!isDenied(error)) throw error;
			denied.push({ ...namespace, unreadable: 'EPERM' });
		}
	return { open, denied };
}

/** Calls use with the topology and the namespaces it was read from, which are open until it returns. */
export function withTopology<T>(
	use: (topology: Topology, open: readonly OpenNamespace[]) => T,
	{ programs = true } = {},
): T {
	const { open, denied } = openAll(findNamespaces());
	const names = programs ? new ProgramNames() : null;
	try {
		const readings = open.map((each) => readNamespace(each, open, names));
		return use(new Topology([...readings, ...denied.map(nothingIn)]), open);
	} finally {
		for (const { handle } of open) handle.close();
	}
}

/** The interfaces of all namespaces that this process may look into. */
export const readTopology = (): Topology => withTopology((topology) => topology);

/** Only the interfaces of the own namespace: quick, and needs no right to look into others. */
export function readOwnTopology(): Topology {
	const handle = new native.Netns();
	const namespace: Namespace = {
		inode: handle.inode(),
		path: '/proc/self/ns/net',
		names: [],
		pids: [],
		command: null,
		own: true,
		unreadable: null,
	};
	try {
		return new Topology([readNamespace({ namespace, handle }, [], null)]);
	} finally {
		handle.close();
	}
}
