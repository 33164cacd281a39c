/** Where a mirror's copies go, resolved: the way to the collector, what fits, and what that means. */
import { XspanError } from '../errors.ts';
import type { NativeRoute } from '../native.ts';
import { formatAddress, parseAddress } from '../spec/address.ts';
import {
	type Destination,
	isTunnel,
	type PathOptions,
	type PortDestination,
	type RspanDestination,
	type TunnelDestination,
} from '../spec/destination.ts';
import type { Notice } from '../spec/spec.ts';
import { hasEthernetHeader, isUp, type Link } from '../topology/links.ts';
import { ETHERNET_LEN, encapsulate } from './encapsulation.ts';
import type { Host } from './plan.ts';
import type { Source } from './sources.ts';

/** The kernel's answer, at this moment; the mirror port asks again all the time. */
export interface RoutePlan {
	uplink: string;
	ifindex: number;
	source: string | null;
	/** null: the collector is on the link. */
	gateway: string | null;
	/** What the kernel lets an IP packet have. */
	mtu: number;
}

/** The session's own veth pair, and what its program needs beside the destination itself. */
export interface MirrorPortPlan {
	/** null: whole frames. */
	snaplen: number | null;
	oversize: 'truncate' | 'drop';
	/** Bytes in front of a copied frame, Ethernet header included. */
	overhead: number;
	/** As the user says; null: as the route says, whatever it is then. */
	mtu: number | null;
	/** Bytes of the longest frame that leaves whole; null: there is no route now. */
	largestFrame: number | null;
	/** The MTU at which no frame of the sources is cut. */
	sufficientMtu: number;
	/** null: no route now; or not needed, as the destination names the interface. */
	route: RoutePlan | null;
}

/** include/uapi/linux/rtnetlink.h */
const RTN = { unicast: 1, local: 2 } as const;

const VLAN_TAG_LEN = 4;

/**
 * The kernel's way to a collector. A source address that no interface has is not the kernel's to
 * route for, but the mirror port may well send it.
 */
export function askRoute(to: TunnelDestination, host: Host): NativeRoute | null {
	const address = parseAddress(to.address) as Uint8Array;
	const source = to.sourceAddress === undefined ? null : parseAddress(to.sourceAddress);
	return host.route(address, source) ?? (source ? host.route(address, null) : null);
}

function planRoute(destination: TunnelDestination, host: Host): RoutePlan | null {
	const source = destination.sourceAddress;
	const answer = askRoute(destination, host);
	if (!answer) return null;
	if (answer.type !== RTN.unicast || answer.ifindex === undefined)
		throw new XspanError(
			'conflict',
			'destination_is_local',
			`${destination.address} is ${answer.type === RTN.local ? 'this host itself' : 'not the address of one other host'}`,
			{ hint: 'name the address of a collector on another host' },
		);
	const link = host.links.find((each) => each.ifindex === answer.ifindex);
	if (!link) return null;
	if (!hasEthernetHeader(link))
		throw new XspanError(
			'unsupported',
			'uplink_not_ethernet',
			`the way to ${destination.address} is ${link.name}, which carries frames without an Ethernet header`,
			{ hint: 'choose a collector that is reached through an Ethernet interface' },
		);
	return {
		uplink: link.name,
		ifindex: link.ifindex,
		source: source ?? (answer.source ? formatAddress(answer.source) : null),
		gateway: answer.gateway ? formatAddress(answer.gateway) : null,
		mtu: answer.mtu || link.mtu,
	};
}

/** What is more than the uplink takes does not leave, whatever the user says. */
const least = (...mtus: (number | undefined)[]): number | undefined => {
	const known = mtus.filter((mtu) => mtu !== undefined);
	return known.length ? Math.min(...known) : undefined;
};

/** Of the way that copies take, as far as it is known. */
export const mtuInForce = ({
	mtu,
	route,
}: Pick<MirrorPortPlan, 'mtu' | 'route'>): number | undefined =>
	least(mtu ?? undefined, route?.mtu);

type Sized = Pick<Source, 'name' | 'mtu'>;

const largestMtu = (sources: readonly Sized[]): number =>
	Math.max(...sources.filter(({ name }) => name !== 'lo').map(({ mtu }) => mtu), 0);

/** Frames of the sources: their MTU, an Ethernet header and one tag. */
const longestFrame = (sources: readonly Sized[]): number =>
	largestMtu(sources) + ETHERNET_LEN + VLAN_TAG_LEN;

const longestCopy = ({ sources, snaplen }: MirrorPortSpec): number =>
	Math.min(longestFrame(sources), snaplen ?? Number.POSITIVE_INFINITY);

export interface MirrorPortSpec {
	snaplen: number | null;
	sources: readonly Sized[];
}

export function planTunnel(
	destination: TunnelDestination,
	spec: MirrorPortSpec,
	host: Host,
): MirrorPortPlan {
	const route = planRoute(destination, host);
	const overhead = encapsulate(destination).header.length;
	const mtu = least(destination.mtu, route?.mtu);
	return {
		snaplen: spec.snaplen,
		oversize: destination.oversize ?? 'truncate',
		overhead,
		mtu: destination.mtu ?? null,
		largestFrame: mtu === undefined ? null : mtu + ETHERNET_LEN - overhead,
		sufficientMtu: longestCopy(spec) + overhead - ETHERNET_LEN,
		route,
	};
}

/** An interface as the end of it: RSPAN, or a port whose copies are cut to a snaplen. */
export function planInterface(
	destination: RspanDestination | PortDestination,
	spec: MirrorPortSpec,
	link: Link,
): MirrorPortPlan {
	const path: PathOptions = destination.type === 'rspan' ? destination : {};
	const mtu = Math.min(path.mtu ?? link.mtu, link.mtu);
	return {
		snaplen: spec.snaplen,
		oversize: path.oversize ?? 'truncate',
		overhead: destination.type === 'rspan' ? VLAN_TAG_LEN : 0,
		mtu,
		largestFrame: mtu + ETHERNET_LEN + VLAN_TAG_LEN,
		sufficientMtu: largestMtu(spec.sources),
		route: null,
	};
}

const commandFor = (uplink: string | undefined, mtu: number): string =>
	uplink === undefined ? `an MTU of ${mtu}` : `ip link set ${uplink} mtu ${mtu}`;

/** What does not fit, and what would make it fit. */
function mtuNotice(destination: Destination, plan: MirrorPortPlan, longest: number): Notice[] {
	const wanted = Math.min(longest, plan.snaplen ?? longest);
	if (plan.largestFrame === null || plan.largestFrame >= wanted) return [];
	const fate = plan.oversize === 'drop' ? 'lost' : 'truncated';
	const uplink = destination.type === 'rspan' ? destination.interface : plan.route?.uplink;
	return [
		{
			code: 'mtu_too_small',
			message: `frames of more than ${plan.largestFrame} bytes will be ${fate}: MTU ${mtuInForce(plan)}, and ${destination.type} takes ${plan.overhead} bytes in front of each (${commandFor(uplink, plan.sufficientMtu)} avoids it)`,
		},
	];
}

export function noticesOf(
	destination: Destination,
	plan: MirrorPortPlan,
	sources: readonly Sized[],
	links: readonly Link[],
): Notice[] {
	const notices = mtuNotice(destination, plan, longestFrame(sources));
	if (!isTunnel(destination)) return notices;
	const uplink = links.find((link) => link.ifindex === plan.route?.ifindex);
	if (!plan.route)
		notices.push({
			code: 'no_route',
			message: `there is no route to ${destination.address} now: copies are lost until there is one`,
		});
	else if (uplink && !isUp(uplink))
		notices.push({
			code: 'uplink_down',
			message: `${uplink.name}, the way to ${destination.address}, is down: copies are lost until it is up`,
		});
	return notices;
}
