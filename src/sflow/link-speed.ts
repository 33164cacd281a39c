/** Speed and duplex of an interface: sysfs has them, netlink does not. */
import { hasMacAddress, type Link } from '../topology/links.ts';
import { textOf } from './proc.ts';

export interface LinkSpeed {
	/** Bits per second, 0: not known. */
	speedBps: number;
	duplex: 'full' | 'half' | 'unknown';
}

const UNKNOWN: LinkSpeed = { speedBps: 0, duplex: 'unknown' };

/**
 * sysfs shows the network namespace in which it was mounted, which is not always the one of this
 * process: an interface is believed only if index and address are the same. Without an address it
 * could be any.
 */
function sysfsDirectory(link: Link): string | null {
	if (!hasMacAddress(link)) return null;
	const directory = `/sys/class/net/${link.name}`;
	const same =
		textOf(`${directory}/ifindex`) === String(link.ifindex) &&
		textOf(`${directory}/address`) === link.address;
	return same ? directory : null;
}

export function readLinkSpeed(link: Link): LinkSpeed {
	const directory = sysfsDirectory(link);
	if (!directory) return UNKNOWN;
	const mbps = Number(textOf(`${directory}/speed`) ?? 0);
	const duplex = textOf(`${directory}/duplex`);
	return {
		speedBps: mbps > 0 ? mbps * 1e6 : 0,
		duplex: duplex === 'full' || duplex === 'half' ? duplex : 'unknown',
	};
}
