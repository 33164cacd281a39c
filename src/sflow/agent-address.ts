/** By which address collectors know this host: the same one as long as the host has it. */
import { isIPv4 } from 'node:net';
import { networkInterfaces } from 'node:os';
import { textOf } from './proc.ts';

export interface HostAddress {
	interface: string;
	address: string;
}

/** RFC 3927 and RFC 4291: good on one link only. Node has loopback addresses marked itself. */
const LINK_LOCAL = /^(169\.254\.|fe[89ab][0-9a-f]:)/i;

/** RFC 4193: unique, but in no global routing table. */
const UNIQUE_LOCAL = /^f[cd][0-9a-f]{2}:/i;

export function readAddresses(): HostAddress[] {
	return Object.entries(networkInterfaces()).flatMap(([name, addresses]) =>
		(addresses ?? [])
			.filter(({ internal, address }) => !internal && !LINK_LOCAL.test(address))
			.map(({ address }) => ({ interface: name, address })),
	);
}

/** RTF_UP, include/uapi/linux/route.h */
const RTF_UP = 1;

/** Interfaces with a default route in /proc/net/route, the preferred one first. */
export function parseUplinks(text: string): string[] {
	return text
		.split('\n')
		.map((line) => line.split(/\s+/))
		.filter(([, destination, , flags, , , , mask]) => {
			const isDefault = destination === '00000000' && mask === '00000000';
			return isDefault && (Number.parseInt(flags as string, 16) & RTF_UP) !== 0;
		})
		.sort((a, b) => Number(a[6]) - Number(b[6]))
		.map(([name]) => name as string);
}

/** The same from /proc/net/ipv6_route; its rows for "unreachable" are on lo. */
export function parseUplinks6(text: string): string[] {
	return text
		.split('\n')
		.map((line) => line.trim().split(/\s+/))
		.filter(([destination, length, , , , , , , , name]) => {
			const isDefault = /^0{32}$/.test(destination as string) && length === '00';
			return isDefault && name !== 'lo';
		})
		.sort((a, b) => Number.parseInt(a[5] as string, 16) - Number.parseInt(b[5] as string, 16))
		.map((row) => row[9] as string);
}

/** Interfaces with a default route, IPv4 first, the preferred one first. */
export function readUplinks(): string[] {
	const four = parseUplinks(textOf('/proc/net/route') ?? '');
	return [...new Set([...four, ...parseUplinks6(textOf('/proc/net/ipv6_route') ?? '')])];
}

/**
 * The one in use while the host has it; else IPv4 before IPv6 (most collectors index by it), an
 * uplink before others, global before unique local. Null: the host has none.
 */
export function chooseAgentAddress(
	addresses: readonly HostAddress[],
	uplinks: readonly string[],
	inUse: string | null = null,
): string | null {
	if (inUse !== null && addresses.some(({ address }) => address === inUse)) return inUse;
	const rank = (each: HostAddress): number => {
		const family = isIPv4(each.address) ? 0 : 4;
		const scope = UNIQUE_LOCAL.test(each.address) ? 1 : 0;
		const uplink = uplinks.includes(each.interface) ? 0 : 2;
		return family + uplink + scope;
	};
	const order = (each: HostAddress): number => {
		const at = uplinks.indexOf(each.interface);
		return at < 0 ? uplinks.length : at;
	};
	const [best] = addresses.toSorted((a, b) => rank(a) - rank(b) || order(a) - order(b));
	return best?.address ?? null;
}
