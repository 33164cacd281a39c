/** Promiscuity of all interfaces as it changes, with the process behind each change where it shows. */
import type { NativePacketSocket } from '../native.ts';
import { native } from '../native.ts';
import type { DeviceRef } from './device.ts';
import { findNamespaces } from './namespaces.ts';
import { holdersOf, readHolders, socketsIn } from './packet-holders.ts';
import {
	auditPromiscuity,
	type PacketHolder,
	type PromiscuityAudit,
	type PromiscuityReason,
	type PromiscuousInterface,
} from './promiscuity.ts';
import {
	isDenied,
	nothingIn,
	type OpenNamespace,
	openNamespace,
	readNamespace,
	withTopology,
} from './read.ts';
import { type Namespace, type NamespaceReading, Topology } from './topology.ts';

export interface PromiscuityChange extends DeviceRef {
	/** ISO 8601. */
	time: string;
	namespace: Namespace;
	interface: string;
	before: number;
	after: number;
	/** Since when it is, or was, promiscuous; null: since before the watch began. */
	since: string | null;
	/** The interface is gone. */
	gone: boolean;
	/** Why it is promiscuous now. */
	reasons: PromiscuityReason[];
	/** The processes whose packet sockets came or went; none: that cannot be known. */
	by: { pid: number; command: string | null; did: 'open' | 'close' }[];
}

export interface PromiscuityState {
	topology: Topology;
	audit: PromiscuityAudit;
}

/** Reads all namespaces once. */
export function readPromiscuity(): PromiscuityState {
	return withTopology(
		(topology, open) => ({ topology, audit: auditPromiscuity(topology, readHolders(open)) }),
		{ programs: false },
	);
}

interface Watched extends OpenNamespace {
	reading: NamespaceReading;
	sockets: NativePacketSocket[];
}

const keyOf = ({ netns, ifindex }: DeviceRef): string => `${netns}/${ifindex}`;

const byKey = (interfaces: readonly PromiscuousInterface[]): Map<string, PromiscuousInterface> =>
	new Map(interfaces.map((each) => [keyOf(each), each]));

type Holder = Extract<PromiscuityReason, { reason: 'packet_socket' }>;

const holdersIn = (each: PromiscuousInterface | undefined): Holder[] =>
	(each?.reasons ?? []).filter((reason) => reason.reason === 'packet_socket');

/** The processes of the sockets that are in one list and not in the other. */
function processesIn(
	holders: readonly Holder[],
	others: readonly Holder[],
	did: 'open' | 'close',
): PromiscuityChange['by'] {
	const known = new Set(others.map((holder) => holder.socket));
	return holders.flatMap(({ socket, pid, command }) =>
		known.has(socket) || pid === null ? [] : [{ pid, command, did }],
	);
}

const hasUnknownIds = ({ links, ids }: NamespaceReading): boolean =>
	links.some(({ linkNetnsid }) => linkNetnsid !== undefined && !ids.has(linkNetnsid));

class PromiscuityWatch {
	private readonly watched = new Map<number, Watched>();
	private readonly monitor;
	private readonly since = new Map<string, string>();
	private holders = new Map<number, PacketHolder>();
	private state = new Map<string, PromiscuousInterface>();
	private topology = new Topology([]);
	private socketsKnown = true;

	private audit: PromiscuityAudit = { interfaces: [], findings: [], socketsKnown: true };

	constructor(onChange: () => void) {
		this.monitor = new native.LinkMonitor(onChange);
		this.rescan();
		this.evaluate();
		this.since.clear(); // what is promiscuous already is so since nobody knows when
	}

	current(): PromiscuityState {
		return { topology: this.topology, audit: this.audit };
	}

	/** What changed. Of namespaces that come and go no event tells: rescan looks for them. */
	look(rescan: boolean): PromiscuityChange[] {
		for (const inode of this.monitor.changed()) this.read(inode);
		if (rescan) this.rescan();
		return this.evaluate();
	}

	close(): void {
		this.monitor.close();
		for (const { handle } of this.watched.values()) handle.close();
		this.watched.clear();
	}

	private rescan(): void {
		const held = new Map(findNamespaces().map((each) => [each.inode, each]));
		// Our descriptor alone must not keep a namespace: its interfaces would outlive the container.
		for (const inode of this.watched.keys()) if (!held.has(inode)) this.drop(inode);
		const fresh = [...held.values()].filter((each) => !this.watched.has(each.inode));
		for (const namespace of fresh) this.add(namespace);
		// All are open before any is read: their ids are asked of each other.
		for (const { inode } of fresh) this.read(inode);
		for (const [inode, { reading }] of fresh.length ? this.watched : [])
			if (hasUnknownIds(reading)) this.read(inode);
	}

	private drop(inode: number): void {
		this.monitor.forget(inode);
		this.watched.get(inode)?.handle.close();
		this.watched.delete(inode);
	}

	private add(namespace: Namespace): void {
		try {
			const handle = openNamespace(namespace);
			if (!handle) return;
			const reading = nothingIn(namespace);
			this.watched.set(namespace.inode, { namespace, handle, reading, sockets: [] });
			this.monitor.listen(handle); // before it is read: nothing falls between the two
		} catch (error) {
			if (!isDenied(error)) throw error;
		}
	}

	private read(inode: number): void {
		const each = this.watched.get(inode);
		if (!each) return;
		each.reading = readNamespace(each, [...this.watched.values()], null);
		const sockets = socketsIn(each);
		each.sockets = sockets ?? [];
		this.socketsKnown = sockets !== null;
	}

	/** Processes of sockets that are known already need no look into /proc; they may have ended. */
	private currentHolders(): PacketHolder[] {
		const all = [...this.watched.values()];
		const fresh = all.map(({ namespace, sockets }) => ({
			netns: namespace.inode,
			sockets: sockets.filter((socket) => !this.holders.has(socket.inode)),
		}));
		for (const holder of holdersOf(fresh)) this.holders.set(holder.socket, holder);
		return all.flatMap(({ namespace, sockets }) =>
			sockets.flatMap(({ inode, promiscuousOn }) => {
				const { pid = null, command = null } = this.holders.get(inode) ?? {};
				const netns = namespace.inode;
				return promiscuousOn.map((ifindex) => ({ netns, ifindex, socket: inode, pid, command }));
			}),
		);
	}

	private forgetClosedSockets(): void {
		const open = [...this.watched.values()].flatMap(({ sockets }) => sockets);
		const inodes = new Set(open.map((socket) => socket.inode));
		for (const inode of this.holders.keys()) if (!inodes.has(inode)) this.holders.delete(inode);
	}

	private evaluate(): PromiscuityChange[] {
		const before = { state: this.state, topology: this.topology };
		const readings = [...this.watched.values()].map((each) => each.reading);
		this.topology = new Topology(readings);
		this.audit = auditPromiscuity(this.topology, this.socketsKnown ? this.currentHolders() : null);
		this.state = byKey(this.audit.interfaces);
		this.forgetClosedSockets();
		const keys = new Set([...before.state.keys(), ...this.state.keys()]);
		return [...keys].flatMap(
			(key) => this.compare(key, before.state.get(key), before.topology) ?? [],
		);
	}

	private compare(
		key: string,
		before: PromiscuousInterface | undefined,
		previous: Topology,
	): PromiscuityChange | null {
		const after = this.state.get(key);
		const any = after ?? before;
		const namespace = any && (this.topology.namespace(any.netns) ?? previous.namespace(any.netns));
		if (!namespace || before?.promiscuity === after?.promiscuity) return null;
		const time = new Date().toISOString();
		if (!before) this.since.set(key, time);
		const since = this.since.get(key) ?? null;
		if (!after) this.since.delete(key);
		return {
			time,
			namespace,
			netns: any.netns,
			ifindex: any.ifindex,
			interface: any.interface,
			before: before?.promiscuity ?? 0,
			after: after?.promiscuity ?? 0,
			since,
			gone: this.topology.device(any) === null,
			reasons: after?.reasons ?? [],
			by: [
				...processesIn(holdersIn(after), holdersIn(before), 'open'),
				...processesIn(holdersIn(before), holdersIn(after), 'close'),
			],
		};
	}
}

const DEFAULT_INTERVAL_MS = 1000;

export interface PromiscuityWatching extends PromiscuityState {
	/** Until the signal is aborted. */
	changes: AsyncGenerator<PromiscuityChange>;
}

/** How promiscuity is now, and from then on every change. */
export function watchPromiscuity({
	signal,
	intervalMs = DEFAULT_INTERVAL_MS,
}: {
	signal?: AbortSignal;
	/** How often to look for namespaces that came or went. */
	intervalMs?: number;
} = {}): PromiscuityWatching {
	let due: 'no' | 'changed' | 'tick' = 'no';
	let wake = () => {};
	const call = (what: 'changed' | 'tick') => {
		if (due !== 'tick') due = what; // a tick looks at the changes, too
		wake();
	};
	const watch = new PromiscuityWatch(() => call('changed'));
	const timer = setInterval(() => call('tick'), intervalMs);
	const abort = () => wake();
	signal?.addEventListener('abort', abort);
	async function* changes(): AsyncGenerator<PromiscuityChange> {
		try {
			while (!signal?.aborted) {
				const what = due;
				due = 'no';
				if (what !== 'no') yield* watch.look(what === 'tick');
				else
					await new Promise<void>((resolve) => {
						wake = resolve;
					});
			}
		} finally {
			clearInterval(timer);
			signal?.removeEventListener('abort', abort);
			watch.close();
		}
	}
	return { ...watch.current(), changes: changes() };
}
