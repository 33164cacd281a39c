/** Speed, duplex, VLAN and Ethernet errors of an interface. */
import type { Link } from '../topology/links.ts';
import type { EthernetCounters } from './interface-counters.ts';
import { textOf } from './proc.ts';

export interface LinkDetail {
	/** Bits per second, 0: not known. */
	speedBps: number;
	duplex: 'full' | 'half' | 'unknown';
	/** VLAN id of a VLAN device. */
	vlan?: number;
	ethernet?: EthernetCounters;
}

const UNKNOWN: LinkDetail = { speedBps: 0, duplex: 'unknown' };

/** Names of rtnl_link_stats64 (include/uapi/linux/if_link.h) and of the dot3Stats they count. */
const ETHERNET_FILES: readonly [keyof EthernetCounters, string][] = [
	['alignmentErrors', 'rx_frame_errors'],
	['fcsErrors', 'rx_crc_errors'],
	['lateCollisions', 'tx_window_errors'],
	['excessiveCollisions', 'tx_aborted_errors'],
	['internalMacTransmitErrors', 'tx_fifo_errors'],
	['carrierSenseErrors', 'tx_carrier_errors'],
	['frameTooLongs', 'rx_length_errors'],
	['internalMacReceiveErrors', 'rx_fifo_errors'],
];

/** VLAN ids by the name of the device, from /proc/net/vlan/config. */
export function parseVlanConfig(text: string): Map<string, number> {
	const rows = text.matchAll(/^(\S+)\s*\|\s*(\d+)\s*\|/gm);
	return new Map([...rows].map(([, name, id]) => [name as string, Number(id)]));
}

export const readVlans = (): Map<string, number> =>
	parseVlanConfig(textOf('/proc/net/vlan/config') ?? '');

/** Of loopback and the like: the same in every network namespace, and no Ethernet behind it. */
const NO_ADDRESS = /^[0:]*$/;

/**
 * sysfs shows the network namespace in which it was mounted, which is not always the one of this
 * process: an interface is believed only if index and address are the same.
 */
function sysfsDirectory(link: Link): string | null {
	if (NO_ADDRESS.test(link.address ?? '')) return null;
	const directory = `/sys/class/net/${link.name}`;
	const same =
		textOf(`${directory}/ifindex`) === String(link.ifindex) &&
		textOf(`${directory}/address`) === link.address;
	return same ? directory : null;
}

export function readLinkDetail(link: Link, vlans: ReadonlyMap<string, number>): LinkDetail {
	const vlan = vlans.get(link.name);
	const known = vlan === undefined ? {} : { vlan };
	const directory = sysfsDirectory(link);
	if (!directory) return { ...UNKNOWN, ...known };
	const mbps = Number(textOf(`${directory}/speed`) ?? 0);
	const duplex = textOf(`${directory}/duplex`);
	const ethernet: EthernetCounters = {};
	for (const [field, file] of ETHERNET_FILES) {
		const text = textOf(`${directory}/statistics/${file}`);
		if (text !== undefined) ethernet[field] = Number(text);
	}
	return {
		speedBps: mbps > 0 ? mbps * 1e6 : 0,
		duplex: duplex === 'full' || duplex === 'half' ? duplex : 'unknown',
		...known,
		ethernet,
	};
}
