/** Which processes hold packet sockets that make interfaces promiscuous. */
import { hasCode } from '../errors.ts';
import type { NativePacketSocket } from '../native.ts';
import { commandOf, ownersOfSockets } from './processes.ts';
import type { PacketHolder } from './promiscuity.ts';
import type { OpenNamespace } from './read.ts';

/** null: the kernel has no packet diagnostics. */
export function socketsIn({ handle }: OpenNamespace): NativePacketSocket[] | null {
	try {
		return handle.packetSockets();
	} catch (error) {
		if (hasCode(error, 'EPERM', 'EACCES')) return []; // the topology says it may not be looked into
		throw error;
	}
}

/** Sockets of namespaces, with the processes that hold them: one pass over /proc for all. */
export function holdersOf(
	found: readonly { netns: number; sockets: readonly NativePacketSocket[] }[],
): PacketHolder[] {
	const inodes = found.flatMap(({ sockets }) => sockets.map((socket) => socket.inode));
	const owners = ownersOfSockets(new Set(inodes));
	return found.flatMap(({ netns, sockets }) =>
		sockets.flatMap(({ inode, promiscuousOn }) => {
			const pid = owners.get(inode) ?? null;
			const command = pid === null ? null : commandOf(pid);
			return promiscuousOn.map((ifindex) => ({ netns, ifindex, socket: inode, pid, command }));
		}),
	);
}

export function readHolders(open: readonly OpenNamespace[]): PacketHolder[] | null {
	const found = open.map((each) => ({ netns: each.namespace.inode, sockets: socketsIn(each) }));
	if (found.some(({ sockets }) => sockets === null)) return null;
	return holdersOf(found.map(({ netns, sockets }) => ({ netns, sockets: sockets ?? [] })));
}
