/** The interfaces of a host in all its network namespaces, and how they hang together. */
import {
	type AttachedProgram,
	type Device,
	type DeviceRef,
	type IpAddress,
	isPaired,
	kindOf,
	statisticsOf,
} from './device.ts';
import type { Link } from './links.ts';

export interface Namespace {
	inode: number;
	/** Opens it: /run/netns/blue, /proc/4242/ns/net. */
	path: string;
	/** Of the files that hold it, as `ip netns` knows it. */
	names: string[];
	/** A few of the processes in it, lowest first. */
	pids: number[];
	/** Of the first of them. */
	command: string | null;
	/** The one that xspan itself is in. */
	own: boolean;
	/** Why its interfaces are not known: EPERM. */
	unreadable: string | null;
}

/** Where the machine's own interfaces are: init (1) and the kernel's threads (2, kthreadd). */
export const isInitial = ({ pids }: Namespace): boolean => pids[0] !== undefined && pids[0] <= 2;

/** What was read from one namespace; tests write it by hand. */
export interface NamespaceReading {
	namespace: Namespace;
	links: Link[];
	addresses: (IpAddress & { ifindex: number })[];
	programs: (AttachedProgram & { ifindex: number })[];
	/** Namespace ids, as links use them in linkNetnsid, to inodes. */
	ids: ReadonlyMap<number, number>;
}

const keyOf = ({ netns, ifindex }: DeviceRef): string => `${netns}/${ifindex}`;

const refOf = ({ netns, ifindex }: DeviceRef): DeviceRef => ({ netns, ifindex });

function groupBy<T>(items: readonly T[], keyOf: (item: T) => number): Map<number, T[]> {
	const groups = new Map<number, T[]>();
	for (const item of items) {
		const group = groups.get(keyOf(item));
		if (group) group.push(item);
		else groups.set(keyOf(item), [item]);
	}
	return groups;
}

export class Topology {
	/** Inode of the namespace that xspan is in. */
	readonly own: number;
	readonly namespaces: readonly Namespace[];
	readonly devices: readonly Device[];
	private readonly byKey: ReadonlyMap<string, Device>;
	private readonly byNamespace: ReadonlyMap<number, readonly Device[]>;

	constructor(readings: readonly NamespaceReading[]) {
		this.namespaces = readings.map((reading) => reading.namespace);
		this.own = this.namespaces.find((each) => each.own)?.inode ?? 0;
		this.devices = readings.flatMap(devicesOf);
		this.byKey = new Map(this.devices.map((device) => [keyOf(device), device]));
		this.byNamespace = groupBy(this.devices, (device) => device.netns);
		this.linkBack();
	}

	device(ref: DeviceRef | null): Device | null {
		return ref ? (this.byKey.get(keyOf(ref)) ?? null) : null;
	}

	namespace(inode: number): Namespace | null {
		return this.namespaces.find((each) => each.inode === inode) ?? null;
	}

	devicesIn(inode: number): readonly Device[] {
		return this.byNamespace.get(inode) ?? [];
	}

	/** The end of a container's veth that is in this namespace, where a tap needs to enter no other. */
	hostEnd(device: Device): Device | null {
		if (device.netns === this.own) return null;
		const peer = this.device(device.peer);
		return peer?.netns === this.own ? peer : null;
	}

	toJSON(): { own: number; namespaces: readonly Namespace[]; devices: readonly Device[] } {
		return { own: this.own, namespaces: this.namespaces, devices: this.devices };
	}

	private linkBack(): void {
		for (const device of this.devices) {
			this.device(device.master)?.ports.push(refOf(device));
			this.device(device.parent)?.children.push(refOf(device));
		}
	}
}

/** The namespace that a link's parent or peer is in; null: it cannot be seen. */
function netnsOfLink(link: Link, reading: NamespaceReading): number | null {
	if (link.linkNetnsid === undefined) return reading.namespace.inode;
	return reading.ids.get(link.linkNetnsid) ?? null;
}

function devicesOf(reading: NamespaceReading): Device[] {
	const { inode } = reading.namespace;
	const addresses = groupBy(reading.addresses, (each) => each.ifindex);
	const programs = groupBy(reading.programs, (each) => each.ifindex);
	return reading.links.map(({ master, link: _link, linkNetnsid: _id, ...link }, index) => {
		const raw = reading.links[index] as Link;
		const kind = kindOf(raw);
		const below = raw.link || link.vxlan?.link; // 0: a tunnel without a parent
		const netns = below ? netnsOfLink(raw, reading) : null;
		const ref = below && netns !== null ? { netns, ifindex: below } : null;
		return {
			...link,
			kind,
			netns: inode,
			addresses: (addresses.get(link.ifindex) ?? []).map(({ address, prefix }) => ({
				address,
				prefix,
			})),
			programs: (programs.get(link.ifindex) ?? []).map(({ ifindex: _, ...program }) => program),
			master: master === undefined ? null : { netns: inode, ifindex: master },
			parent: isPaired(kind) ? null : ref,
			peer: isPaired(kind) ? ref : null,
			hidden: Boolean(below) && ref === null,
			ports: [],
			children: [],
			statistics: statisticsOf(raw),
		};
	});
}
