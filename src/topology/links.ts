/** The interfaces of this network namespace. */
import { XspanError } from '../errors.ts';
import { type LinkType, type NativeLink, native } from '../native.ts';

export type Link = NativeLink;

/** include/uapi/linux/if.h */
const IFF_UP = 1;
const IFF_BROADCAST = 1 << 1;
const IFF_POINTOPOINT = 1 << 4;
const IFF_LOWER_UP = 1 << 16;

/** include/uapi/linux/if_arp.h: frames with an Ethernet header (loopback has one too) */
const ARPHRD_ETHER = 1;
export const ARPHRD_LOOPBACK = 772;

export function readLinks(): Link[] {
	return native.links();
}

export const isUp = (link: Link): boolean => (link.flags & IFF_UP) !== 0;

/** Up, and with a carrier: what is sent has somewhere to go. */
export const carries = (link: Link): boolean => isUp(link) && (link.flags & IFF_LOWER_UP) !== 0;

export const hasEthernetHeader = (link: Pick<Link, 'arpType'>): boolean =>
	link.arpType === ARPHRD_ETHER || link.arpType === ARPHRD_LOOPBACK;

/** Loopback has one of zeros, and what carries no Ethernet has none. */
export const hasMacAddress = (link: Pick<Link, 'address'>): boolean =>
	!/^[0:]*$/.test(link.address ?? '');

/** ARPHRD_* of devices whose frames begin with IPv4 or IPv6: tun, wireguard, ipip, sit, gre, rawip. */
const RAW_IP = new Set([65_534, 768, 769, 776, 778, 823, 519]);

const ARPHRD_GRE = new Set([778, 823]);

/** GRE without one fixed remote end: the header in front of each packet, with the addresses outside, is its link layer. */
export const showsOuterHeader = ({ arpType, flags }: Pick<Link, 'arpType' | 'flags'>): boolean =>
	ARPHRD_GRE.has(arpType) && (flags & (IFF_POINTOPOINT | IFF_BROADCAST)) !== IFF_POINTOPOINT;

export const beginsWithIp = (link: Pick<Link, 'arpType'>): boolean => RAW_IP.has(link.arpType);

/** @throws XspanError not_ethernet, where frames begin with something else */
export function linkTypeOf(link: Pick<Link, 'name' | 'arpType'>): LinkType {
	if (hasEthernetHeader(link)) return 'ethernet';
	if (beginsWithIp(link)) return 'raw';
	throw new XspanError(
		'unsupported',
		'not_ethernet',
		`${link.name} carries frames that begin neither with an Ethernet header nor with IP`,
		{ hint: 'use an interface of link/ether or link/none, as `ip link` shows it' },
	);
}

/** The number of single-character edits between two names. */
function distance(a: string, b: string): number {
	let row = Array.from({ length: b.length + 1 }, (_, i) => i);
	for (let i = 1; i <= a.length; i++) {
		const next = [i];
		for (let j = 1; j <= b.length; j++) {
			const change = (row[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1);
			next.push(Math.min(change, (row[j] as number) + 1, (next[j - 1] as number) + 1));
		}
		row = next;
	}
	return row[b.length] as number;
}

/** The names most like one that does not exist, best first. */
export function nearestNames(name: string, links: readonly { name: string }[], most = 3): string[] {
	return links
		.map((link) => ({ name: link.name, distance: distance(name, link.name) }))
		.filter((near) => near.distance <= Math.max(2, name.length / 2))
		.sort((a, b) => a.distance - b.distance || a.name.localeCompare(b.name))
		.slice(0, most)
		.map((near) => near.name);
}

export function findLink(name: string, links: readonly Link[]): Link {
	const found = links.find((link) => link.name === name);
	if (found) return found;
	const near = nearestNames(name, links);
	const all = links.map((link) => link.name);
	throw new XspanError(
		'notFound',
		'unknown_interface',
		`there is no interface "${name}" in this network namespace`,
		{
			hint: near.length
				? `did you mean ${near.join(' or ')}?`
				: `the interfaces here are ${all.slice(0, 12).join(', ')}${all.length > 12 ? ', ...' : ''}`,
		},
	);
}
