/** What this host's tables say of a sampled frame's way, beyond what the kernel side knows. */
import { BridgePorts } from './bridge-ports.ts';
import { addressesOf, networkHeader } from './headers.ts';
import type { Port } from './ports.ts';
import { Recent } from './recent.ts';
import { RoutePrefixes } from './route-prefixes.ts';
import type { FlowSample, RouterHop } from './sample.ts';

type Masks = Pick<RouterHop, 'sourceMask' | 'destinationMask'>;

const NO_MASKS: Masks = { sourceMask: 0, destinationMask: 0 };

/** Of this network namespace; never much more than a second old. */
export class Ways {
	private readonly bridges = new Recent(() => new BridgePorts());
	private readonly prefixes = new RoutePrefixes();
	private now = performance.now();

	/** Looks at the clock, once for many samples. */
	refresh(): void {
		this.now = performance.now();
		this.prefixes.refresh(this.now);
	}

	/** Where a bridge sends an Ethernet frame that one of its ports received; 0: not known. */
	bridged(ifindex: number, frame: Uint8Array): Port {
		return this.bridges.get(this.now).outputOf(ifindex, frame);
	}

	/** Prefix lengths of the routes of a routed frame; 0: not known. */
	masks({ header, protocol }: Pick<FlowSample, 'header' | 'protocol'>, output: Port): Masks {
		const ip = networkHeader(header, protocol);
		const addresses = ip && addressesOf(header, ip);
		if (!addresses) return NO_MASKS;
		return {
			sourceMask: this.prefixes.lengthOf(addresses.source),
			destinationMask: this.prefixes.lengthOf(addresses.destination, output),
		};
	}

	close(): void {
		this.prefixes.close();
	}
}
