/** What user space knows of a sampled frame's way, beside what the kernel said of it. */
import { Bridges } from './bridges.ts';
import { addressesOf, networkHeader } from './headers.ts';
import { type Port, PortFormat, portFormat } from './ports.ts';
import { RoutePrefixes } from './route-prefixes.ts';
import type { HeaderProtocol, RouterHop } from './sample.ts';

const MAC = 6;

/** As a number of 48 bits. */
function destinationMac(header: Uint8Array): number {
	let address = 0;
	for (let at = 0; at < MAC; at++) address = address * 256 + (header[at] ?? 0);
	return address;
}

const isIfIndex = (port: Port): boolean => portFormat(port) === PortFormat.ifIndex;

export class Forwarding {
	private readonly bridges = new Bridges();
	private readonly prefixes = new RoutePrefixes();

	/** Of an Ethernet frame that an interface has received, and that the kernel had no word on. */
	outputOf(ifindex: number, header: Uint8Array, vlan: number | null): Port {
		return this.bridges.outputOf(ifindex, destinationMac(header), vlan, performance.now());
	}

	/** @param output by which the frame leaves */
	routerOf(
		nextHop: Uint8Array,
		header: Uint8Array,
		protocol: HeaderProtocol,
		output: Port,
	): RouterHop {
		const ip = networkHeader(header, protocol);
		const addresses = ip && addressesOf(header, ip);
		if (!addresses) return { nextHop, sourceMask: 0, destinationMask: 0 };
		const now = performance.now();
		const by = isIfIndex(output) ? output : null;
		return {
			nextHop,
			sourceMask: this.prefixes.lengthOf(addresses.source, null, now),
			destinationMask: this.prefixes.lengthOf(addresses.destination, by, now),
		};
	}
}
