/** IP addresses as the bytes of a packet. */
import { isIP } from 'node:net';

const GROUPS = 8;

const u16 = (value: number): [number, number] => [value >> 8, value & 0xff];

function groups(text: string): number[] {
	return text === '' ? [] : text.split(':').map((digits) => Number.parseInt(digits, 16));
}

/** The last 32 bits may be written as an IPv4 address. */
function withoutDots(text: string): string {
	const match = /^(.*:)([\d.]+)$/.exec(text);
	if (!match?.[2]?.includes('.')) return text;
	const [a, b, c, d] = match[2].split('.').map(Number) as [number, number, number, number];
	return `${match[1]}${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`;
}

/** 4 or 16 bytes; null: not an address. */
export function addressBytes(text: string): Uint8Array | null {
	const [address] = text.split('%') as [string];
	if (isIP(address) === 4) return Uint8Array.from(address.split('.').map(Number));
	if (isIP(address) !== 6) return null;
	const [head, tail] = withoutDots(address).split('::') as [string, string?];
	const first = groups(head);
	const last = groups(tail ?? '');
	const zeros = new Array<number>(GROUPS - first.length - last.length).fill(0);
	return Uint8Array.from([...first, ...zeros, ...last].flatMap(u16));
}
