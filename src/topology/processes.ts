/** What /proc says about processes. Each may end at any moment: then it says nothing. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { hasCode, XspanError } from '../errors.ts';

/** Ended meanwhile: ENOENT, ESRCH. */
const hasEnded = (error: unknown): boolean => hasCode(error, 'ENOENT', 'ESRCH');
const isDenied = (error: unknown): boolean => hasCode(error, 'EACCES', 'EPERM');

/** What reading yields, or null when the process has ended or belongs to somebody else. */
function tryRead<T>(read: () => T): T | null {
	try {
		return read();
	} catch (error) {
		if (hasEnded(error) || isDenied(error)) return null;
		throw error;
	}
}

export function allPids(): number[] {
	return readdirSync('/proc')
		.filter((name) => /^\d+$/.test(name))
		.map(Number)
		.sort((a, b) => a - b);
}

/** "net:[4026531840]" */
const inodeOf = (target: string): number => Number(/\[(\d+)\]/.exec(target)?.[1]);

/** Inode of a process's network namespace, or null. */
export function netnsOfPid(pid: number): number | null {
	return tryRead(() => inodeOf(readlinkSync(`/proc/${pid}/ns/net`)));
}

/** The same for a process that somebody named. @throws XspanError no_such_process, netns_denied */
export function netnsOfNamedPid(pid: number): number {
	try {
		return inodeOf(readlinkSync(`/proc/${pid}/ns/net`));
	} catch (cause) {
		if (isDenied(cause))
			throw new XspanError(
				'permission',
				'netns_denied',
				`the network namespace of process ${pid} may not be looked at`,
				{ cause, hint: 'run as root, or with cap_sys_admin and cap_sys_ptrace' },
			);
		if (!hasEnded(cause)) throw cause;
		throw new XspanError(
			'notFound',
			'no_such_process',
			`there is no process ${pid}: it never existed, or it has ended`,
			{ cause, hint: 'look for its present pid: pgrep -a NAME' },
		);
	}
}

export function commandOf(pid: number): string | null {
	return tryRead(() => readFileSync(`/proc/${pid}/comm`, 'utf8').trimEnd());
}

export function cgroupOf(pid: number): string | null {
	return tryRead(() => readFileSync(`/proc/${pid}/cgroup`, 'utf8'));
}

function descriptorsOf(pid: number): { fd: string; target: string }[] {
	const fds = tryRead(() => readdirSync(`/proc/${pid}/fd`)) ?? [];
	return fds.flatMap((fd) => {
		const target = tryRead(() => readlinkSync(`/proc/${pid}/fd/${fd}`));
		return target === null ? [] : [{ fd, target }];
	});
}

/** Names of the TUN and TAP interfaces that a process has open, as a virtual machine's has. */
export function tunsOf(pid: number): string[] {
	const names = descriptorsOf(pid)
		.filter(({ target }) => target === '/dev/net/tun')
		.map(({ fd }) => tryRead(() => readFileSync(`/proc/${pid}/fdinfo/${fd}`, 'utf8')))
		.map((text) => /^iff:\s*(\S+)/m.exec(text ?? '')?.[1]);
	return [...new Set(names.filter((name) => name !== undefined))];
}

/** Which process holds each of these sockets; the first one, where several share it. */
export function ownersOfSockets(inodes: ReadonlySet<number>): Map<number, number> {
	const owners = new Map<number, number>();
	for (const pid of inodes.size ? allPids() : []) {
		if (owners.size === inodes.size) break;
		for (const { target } of descriptorsOf(pid)) {
			const inode = Number(/^socket:\[(\d+)\]$/.exec(target)?.[1]);
			if (inodes.has(inode) && !owners.has(inode)) owners.set(inode, pid);
		}
	}
	return owners;
}
