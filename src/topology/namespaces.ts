/** Every network namespace that a process, or a file under /run/netns, holds. */
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { hasCode } from '../errors.ts';
import { native } from '../native.ts';
import { allPids, commandOf, netnsOfPid } from './processes.ts';
import type { Namespace } from './topology.ts';

/** Where namespaces are mounted, `ip netns` and Docker; usually the first two are the same place. */
const DIRECTORIES = ['/run/netns', '/var/run/netns', '/run/docker/netns'];

/** Enough to recognise a container by. */
const PIDS_KEPT = 4;

interface Holders {
	names: Map<string, string>;
	pids: number[];
}

function filesIn(directory: string): string[] {
	try {
		return readdirSync(directory);
	} catch (error) {
		if (hasCode(error, 'ENOENT', 'EACCES', 'ENOTDIR')) return [];
		throw error;
	}
}

/** A file where a namespace is mounted; without one, as after a reboot, it is any file. */
function mountedInode(path: string, nsfs: number): number | null {
	try {
		const { dev, ino } = statSync(path);
		return dev === nsfs ? ino : null;
	} catch (error) {
		if (hasCode(error, 'ENOENT', 'ESRCH', 'EACCES')) return null;
		throw error;
	}
}

const nsfs = (): number => statSync('/proc/self/ns/net').dev;

/** Inode of the namespace that a path leads to; null: to none, by now. */
export const netnsAt = (path: string): number | null => mountedInode(path, nsfs());

/** A namespace that is mounted with this name. */
export function namedNamespace(name: string): Pick<Namespace, 'inode' | 'path'> | null {
	for (const directory of DIRECTORIES) {
		const path = join(directory, name);
		const inode = netnsAt(path);
		if (inode !== null) return { inode, path };
	}
	return null;
}

function holdersByInode(): Map<number, Holders> {
	const found = new Map<number, Holders>();
	const at = (inode: number): Holders => {
		const known = found.get(inode) ?? { names: new Map(), pids: [] };
		found.set(inode, known);
		return known;
	};
	const device = nsfs();
	for (const directory of DIRECTORIES)
		for (const name of filesIn(directory)) {
			const path = join(directory, name);
			const inode = mountedInode(path, device);
			if (inode !== null && !at(inode).names.has(name)) at(inode).names.set(name, path);
		}
	for (const pid of allPids()) {
		const inode = netnsOfPid(pid);
		if (inode !== null) at(inode).pids.push(pid);
	}
	return found;
}

/** The own one first, then named ones, then those of processes. */
export function findNamespaces(): Namespace[] {
	const own = native.netns();
	const all = [...holdersByInode()].map(([inode, { names, pids }]): Namespace => {
		const [first] = pids;
		const [path = `/proc/${first}/ns/net`] = names.values();
		return {
			inode,
			path: inode === own ? '/proc/self/ns/net' : path,
			names: [...names.keys()],
			pids: pids.slice(0, PIDS_KEPT),
			command: first === undefined ? null : commandOf(first),
			own: inode === own,
			unreadable: null,
		};
	});
	const rank = (each: Namespace): number => (each.own ? 0 : each.names.length ? 1 : 2);
	return all.sort(
		(a, b) => rank(a) - rank(b) || (a.names[0] ?? '').localeCompare(b.names[0] ?? ''),
	);
}
