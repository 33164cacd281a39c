/** What this host, as an end of tunnels, does with the frames that were sampled. */
import { type Link, readLinks } from '../topology/links.ts';
import { IpProtocol, type OuterHeader, outerHeader, trafficClass } from './headers.ts';
import { INTERNAL_PORT } from './ports.ts';
import type { FlowSample, OuterIpv4, TunnelEnd } from './sample.ts';
import {
	type FixedOuter,
	type OuterSide,
	type TunnelDevice,
	tunnelDevice,
} from './tunnel-devices.ts';
import { type Encapsulated, encapsulated, keyText } from './tunnel-headers.ts';

type Sides = Map<string, OuterSide[]>;

const ECN = 3;
/** include/net/inet_ecn.h, INET_ECN_encapsulate(): congestion experienced is not copied out. */
const CONGESTION = 3;
const ECT_0 = 2;

function sidesOf(devices: readonly TunnelDevice[], way: 'received' | 'sent'): Sides {
	const all: Sides = new Map();
	for (const { [way]: side } of devices)
		for (const key of side.keys.map(keyText)) all.set(key, [...(all.get(key) ?? []), side]);
	return all;
}

const isSame = (wanted: Uint8Array | null, address: Uint8Array): boolean =>
	wanted?.every((byte, i) => byte === address[i]) ?? true;

const suits = ({ source, destination }: OuterSide, outer: OuterHeader): boolean =>
	isSame(source, outer.source) && isSame(destination, outer.destination);

/** Whether a device has this on its outer side. */
function isKnown(sides: Sides, each: Encapsulated, outer: OuterHeader): boolean {
	return [each, { ...each, id: 'any' as const }].some((key) =>
		sides.get(keyText(key))?.some((side) => suits(side, outer)),
	);
}

function tosOf(tos: number, inner: number | null): number {
	const base = tos & 1 && inner !== null ? inner : tos;
	const ecn = (inner ?? 0) & ECN;
	return (base & ~ECN) | (ecn === CONGESTION ? ECT_0 : ecn);
}

/** null: the device will drop it. */
function outerIpv4(outer: FixedOuter, sample: FlowSample): OuterIpv4 | null {
	const { source, destination, overhead, protocols } = outer;
	const inner = sample.protocol === 'ipv6' ? IpProtocol.ipv6 : IpProtocol.ipv4;
	const protocol = [IpProtocol.gre, inner].find((each) => protocols.includes(each));
	if (protocol === undefined) return null;
	return { source, destination, overhead, protocol, tos: tosOf(outer.tos, trafficClass(sample)) };
}

/** Of a frame that is seen on the tunnel's own device. */
function onDevice({ vni, outer }: TunnelDevice, sample: FlowSample): TunnelEnd | null {
	const received = sample.direction === 'rx';
	if (vni !== null) return received ? { vniIngress: vni } : { vniEgress: vni };
	const ipv4Egress = outer && !received ? outerIpv4(outer, sample) : null;
	return ipv4Egress ? { ipv4Egress } : null;
}

/** The tunnel devices of this network namespace. */
export class Tunnels {
	private readonly read: () => readonly Link[];
	/** null: to be read before the next answer. */
	private devices: Map<number, TunnelDevice> | null = null;
	private received: Sides = new Map();
	private sent: Sides = new Map();
	/** Nothing to say of any sample, until expire(). */
	private idle = false;

	constructor(read: () => readonly Link[] = readLinks) {
		this.read = read;
	}

	/** Devices may have come, gone or changed: looks again when the next sample asks. */
	expire(): void {
		this.devices = null;
		this.idle = false;
	}

	/** The sample, with `tunnel` where there is something to say. */
	describe(sample: FlowSample): FlowSample {
		if (this.idle) return sample;
		const device = this.known().get(sample.source);
		const seen = this.onOuterSide(sample);
		const own = device ? onDevice(device, sample) : null;
		if (own || seen) sample.tunnel = { ...own, ...seen };
		return sample;
	}

	private known(): Map<number, TunnelDevice> {
		this.devices ??= this.look();
		return this.devices;
	}

	private look(): Map<number, TunnelDevice> {
		const devices = this.read()
			.map(tunnelDevice)
			.filter((device) => device !== null);
		this.idle = devices.length === 0;
		this.received = sidesOf(devices, 'received');
		this.sent = sidesOf(devices, 'sent');
		return new Map(devices.map((device) => [device.ifindex, device]));
	}

	/** Of a frame that is for this host, or from it, with the outer headers. */
	private onOuterSide(sample: FlowSample): TunnelEnd | null {
		const received = sample.direction === 'rx';
		if ((received ? sample.output : sample.input) !== INTERNAL_PORT) return null;
		const outer = outerHeader(sample);
		if (!outer) return null;
		const sides = received ? this.received : this.sent;
		const found = encapsulated(sample.header, outer).find((each) => isKnown(sides, each, outer));
		if (!found) return null;
		const { innerAt, vni } = found;
		return received
			? { decapsulateEgress: innerAt, ...(vni === undefined ? {} : { vniIngress: vni }) }
			: { decapsulateIngress: innerAt, ...(vni === undefined ? {} : { vniEgress: vni }) };
	}
}
