/** IP addresses as bytes. */
import { isIPv4, isIPv6 } from 'node:net';

/** The canonical text of RFC 5952, which never has an IPv4 part nor a zone. */
const canonical = (address: string): string => new URL(`http://[${address}]`).hostname.slice(1, -1);

function ipv6Bytes(address: string): Uint8Array {
	const [head = '', tail = ''] = canonical(address).split('::');
	const words = (part: string) =>
		part
			.split(':')
			.filter(Boolean)
			.map((word) => Number.parseInt(word, 16));
	const [before, after] = [words(head), words(tail)];
	const zeros = new Array<number>(8 - before.length - after.length).fill(0);
	return Uint8Array.from(
		[...before, ...zeros, ...after].flatMap((word) => [word >> 8, word & 255]),
	);
}

/** 4 or 16 bytes; null: not an address. A zone (fe80::1%eth0) is not understood. */
export function parseAddress(address: string): Uint8Array | null {
	if (isIPv4(address)) return Uint8Array.from(address.split('.').map(Number));
	if (isIPv6(address) && !address.includes('%')) return ipv6Bytes(address);
	return null;
}

export function formatAddress(bytes: Uint8Array): string {
	if (bytes.length === 4) return bytes.join('.');
	const words = Array.from({ length: 8 }, (_, i) =>
		(((bytes[2 * i] as number) << 8) | (bytes[2 * i + 1] as number)).toString(16),
	);
	return canonical(words.join(':'));
}

/** 224.0.0.0/4 and the limited broadcast address; ff00::/8. */
export const isMulticast = (bytes: Uint8Array): boolean =>
	bytes.length === 4
		? (bytes[0] as number) >> 4 === 14 || bytes.every((byte) => byte === 255)
		: bytes[0] === 255;

export const isUnspecified = (bytes: Uint8Array): boolean => bytes.every((byte) => byte === 0);
