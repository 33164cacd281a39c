/** Lengths of the prefixes by which this host routes: src_mask_len and dst_mask_len. */
import { type NativeRouteTable, native } from '../native.ts';

/** Questions to the kernel in a second, some 10 us each; beyond, an answer is "not known". */
const QUESTIONS_MOST = 1000;

/** Addresses that are remembered. */
const KNOWN_MOST = 2 ** 16;

/** How often it is asked whether routes have changed. Where they always do, answers live as long. */
const LOOK_MS = 1000;

/** The prefix length, and the interfaces of the next hops; null: no route. */
type Entry = readonly number[] | null;

/** 32 bits, in the order of the network; an IPv4 address has one of them. */
function word(address: Uint8Array, at: number): number {
	let value = 0;
	for (let byte = 0; byte < 4; byte++) value = value * 256 + (address[at + byte] ?? 0);
	return value;
}

/** Of an address: IPv4 as one number, IPv6 as text. */
function keyOf(address: Uint8Array): number | string {
	if (address.length === 4) return word(address, 0);
	return `${word(address, 0)} ${word(address, 4)} ${word(address, 8)} ${word(address, 12)}`;
}

/**
 * Prefix lengths as the tables of this host have them for packets of its own: rules that look at where
 * a frame came in are not asked. What is known is forgotten when routes change.
 */
export class RoutePrefixes {
	private readonly table: NativeRouteTable;
	private readonly known = new Map<number | string, Entry>();
	private lookAt = Number.NEGATIVE_INFINITY;
	private questions = 0;

	/** Use close(). */
	constructor(table: NativeRouteTable = new native.RouteTable()) {
		this.table = table;
	}

	/** Forgets what may have changed. @param nowMs of any clock that does not go back */
	refresh(nowMs: number): void {
		if (nowMs < this.lookAt) return;
		this.lookAt = nowMs + LOOK_MS;
		this.questions = 0;
		if (this.table.changed() || this.known.size >= KNOWN_MOST) this.known.clear();
	}

	/**
	 * @param address 4 or 16 bytes
	 * @param by the ifIndex by which the frame leaves: a route through other interfaces is not its route
	 * @returns bits; 0: not known, or the default route
	 */
	lengthOf(address: Uint8Array, by?: number): number {
		const entry = this.entry(address);
		const isBelieved = by === undefined || (entry?.indexOf(by, 1) ?? 0) > 0;
		return isBelieved ? (entry?.[0] ?? 0) : 0;
	}

	close(): void {
		this.table.close();
	}

	private entry(address: Uint8Array): Entry {
		const key = keyOf(address);
		const known = this.known.get(key);
		if (known !== undefined) return known;
		if (this.questions >= QUESTIONS_MOST) return null;
		this.questions++;
		const entry = this.table.entry(address);
		this.known.set(key, entry);
		return entry;
	}
}
