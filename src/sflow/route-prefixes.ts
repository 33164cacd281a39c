/** Lengths of the prefixes by which this host routes: src_mask_len and dst_mask_len. */
import { type NativeMatchedRoute, native } from '../native.ts';

/** Questions to the kernel in a second, about 10 us each; beyond, an answer is "not known". */
const QUESTIONS_MOST = 1000;

/** Addresses that are remembered. */
const KNOWN_MOST = 2 ** 16;

/** How often it is asked whether routes have changed. */
const LOOK_MS = 100;

/** What the kernel is asked. Tests ask something else. */
export interface Routes {
	match(address: Uint8Array): NativeMatchedRoute | null;
	/** Since the last call. */
	changed(): boolean;
}

function kernelRoutes(): Routes {
	const changes = new native.RoutingChanges();
	return { match: (address) => native.matchedRoute(address), changed: () => changes.happened() };
}

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
	private readonly routes: Routes;
	private readonly known = new Map<number | string, NativeMatchedRoute | null>();
	private lookAt = 0;
	private second = 0;
	private questions = 0;

	constructor(routes: Routes = kernelRoutes()) {
		this.routes = routes;
	}

	/**
	 * @param address 4 or 16 bytes
	 * @param by the ifIndex by which the frame leaves; a route through another interface is not its route
	 * @param nowMs of any clock that does not go back
	 * @returns bits; 0: not known, or the default route
	 */
	lengthOf(address: Uint8Array, by: number | null, nowMs: number): number {
		if (nowMs >= this.lookAt) this.look(nowMs);
		const key = keyOf(address);
		let route = this.known.get(key);
		if (route === undefined) {
			if (this.questions >= QUESTIONS_MOST) return 0;
			route = this.ask(address, key);
		}
		if (!route || (by !== null && !route.interfaces.includes(by))) return 0;
		return route.prefix;
	}

	private look(nowMs: number): void {
		this.lookAt = nowMs + LOOK_MS;
		if (this.routes.changed() || this.known.size >= KNOWN_MOST) this.known.clear();
		if (nowMs - this.second < 1000) return;
		this.second = nowMs;
		this.questions = 0;
	}

	private ask(address: Uint8Array, key: number | string): NativeMatchedRoute | null {
		this.questions++;
		const route = this.routes.match(address);
		this.known.set(key, route);
		return route;
	}
}
