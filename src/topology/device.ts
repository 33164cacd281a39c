/** An interface of any namespace, with its relations resolved. Plain data. */
import type { Link } from './links.ts';

/** An ifindex means nothing without its network namespace (the namespace's inode). */
export interface DeviceRef {
	netns: number;
	ifindex: number;
}

export interface IpAddress {
	address: string;
	prefix: number;
}

export interface AttachedProgram {
	hook: 'tcx' | 'xdp';
	direction: 'rx' | 'tx';
	id: number;
	name: string;
}

/** Numbers that JSON can hold: of bytes above 2^53 the lowest bits are lost. */
export interface DeviceStatistics {
	rxFrames: number;
	rxBytes: number;
	rxDropped: number;
	txFrames: number;
	txBytes: number;
	txDropped: number;
}

export interface Device
	extends DeviceRef,
		Omit<Link, 'kind' | 'master' | 'link' | 'linkNetnsid' | 'statistics'> {
	/** As the kernel calls it ("veth", "bridge", ...), or loopback, tun, tap, physical. */
	kind: string;
	addresses: IpAddress[];
	programs: AttachedProgram[];
	/** The bridge, bond or team that it is a port of. */
	master: DeviceRef | null;
	/** What it is stacked on: of a VLAN the interface that carries it. */
	parent: DeviceRef | null;
	/** The other end of a veth or netkit pair. */
	peer: DeviceRef | null;
	/** There is a parent or peer, but in a namespace that cannot be seen from here. */
	hidden: boolean;
	/** What has it as master. */
	ports: DeviceRef[];
	/** What has it as parent. */
	children: DeviceRef[];
	statistics: DeviceStatistics;
}

/** include/uapi/linux/if.h */
const IFF_UP = 0x1;
const IFF_PROMISC = 0x100;

/** include/uapi/linux/if_tun.h */
const IFF_TAP = 2;

/** include/uapi/linux/if_link.h, enum macvlan_mode */
const MACVLAN_MODES: Record<number, string> = {
	1: 'private',
	2: 'VEPA',
	4: 'bridge',
	8: 'passthru',
	16: 'source',
};

/** include/uapi/linux/if_link.h, enum ipvlan_mode */
const IPVLAN_MODES = ['L2', 'L3', 'L3S'];

const ARPHRD_LOOPBACK = 772;
const PAIRS = new Set(['veth', 'netkit']);

export const isPaired = (kind: string): boolean => PAIRS.has(kind);

export const deviceIsUp = (device: Device): boolean => (device.flags & IFF_UP) !== 0;

/** Whether promiscuity was switched on by hand: `ip link set eth0 promisc on`, or ifconfig. */
export const isSetByAdministrator = (device: Device): boolean => (device.flags & IFF_PROMISC) !== 0;

export function kindOf(link: Link): string {
	if (link.arpType === ARPHRD_LOOPBACK) return 'loopback';
	if (link.tun) return link.tun.type === IFF_TAP ? 'tap' : 'tun';
	return link.kind ?? 'physical';
}

export const statisticsOf = ({ statistics }: Link): DeviceStatistics => ({
	rxFrames: statistics.rxFrames,
	rxBytes: Number(statistics.rxBytes),
	rxDropped: statistics.rxDropped,
	txFrames: statistics.txFrames,
	txBytes: Number(statistics.txBytes),
	txDropped: statistics.txDropped,
});

export const macvlanMode = (device: Device): string =>
	MACVLAN_MODES[device.macvlan?.mode ?? 0] ?? 'unknown';

export const ipvlanMode = (device: Device): string =>
	IPVLAN_MODES[device.ipvlan?.mode ?? -1] ?? 'unknown';

/** "macvlan, bridge mode", "VLAN 10": the kind with what distinguishes it. */
export function describeKind(device: Device): string {
	if (device.macvlan) return `${device.kind}, ${macvlanMode(device)} mode`;
	if (device.ipvlan) return `${device.kind}, ${ipvlanMode(device)} mode`;
	if (device.vlan) return `VLAN ${device.vlan.id}`;
	if (device.vxlan) return `VXLAN ${device.vxlan.id}`;
	return device.kind;
}

export const isSame = (a: DeviceRef | null, b: DeviceRef | null): boolean =>
	a !== null && b !== null && a.netns === b.netns && a.ifindex === b.ifindex;
