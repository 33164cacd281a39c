/**
 * A live mirror port: the veth pair that taps clone frames into, its programs, and a watch on the way
 * to the collector. It belongs to one session and goes with it.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { isSystemError, XspanError } from '../errors.ts';
import { type Ledger, type PortLedger, portLedger, throughMirrorPort } from '../ledger.ts';
import { type NativeMirrorPort, type NativeNetns, type NativeRoute, native } from '../native.ts';
import { askRoute } from '../plan/mirror-port.ts';
import {
	type Host,
	type InterfacePlan,
	type MirrorPlan,
	type Plan,
	readHost,
	type TapPlan,
} from '../plan/plan.ts';
import { HOW_TO_GET_TUN } from '../privileges.ts';
import { parseAddress } from '../spec/address.ts';
import { type Destination, isTunnel, type TunnelDestination } from '../spec/destination.ts';
import type { Notice } from '../spec/spec.ts';
import { carries, type Link } from '../topology/links.ts';
import { encodePortConfig, needsMarker } from './port-config.ts';
import type { ClonePath } from './tap-config.ts';
import { loadError } from './taps.ts';
import { closePair, openPair, shortAlias, type VethPair } from './veth-pair.ts';

/** How long the start of a session waits for ARP or ND. */
const NEIGHBOUR_WAIT_MS = 500;
/** NUD_VALID in include/net/neighbour.h: permanent, noarp, reachable, probe, stale, delay. */
const NUD_VALID = 0xde;
/** Permanent, noarp. */
const NUD_FIXED = 0xc0;

function setSysctl(path: string, value: string): void {
	const file = `/proc/sys/net/${path}`;
	if (readFileSync(file, 'utf8').trim() !== value) writeFileSync(file, value);
}

/** Linux looks up routes in the name of an interface only where that forwards. */
function letIpv6Forward(inner: string): void {
	try {
		setSysctl(`ipv6/conf/${inner}/forwarding`, '1');
	} catch (cause) {
		throw new XspanError(
			'unsupported',
			'no_ipv6_forwarding',
			`cannot set up the mirror port for IPv6: ${(cause as Error).message}`,
			{ cause, hint: 'IPv6 must be on, and /proc/sys writable (in a container: --privileged)' },
		);
	}
}

const isIpv6 = (to: Destination): boolean =>
	isTunnel(to) && parseAddress(to.address)?.length === 16;

const openNetns = (where: InterfacePlan | null): NativeNetns | undefined =>
	where?.path ? new native.Netns(where.path) : undefined;

type Path = 'ok' | 'no_route' | 'uplink_down' | 'no_neighbour';

export class MirrorPort {
	/** What taps clone frames to. */
	private readonly outerIfindex: number;
	private readonly plan: MirrorPlan;
	private readonly pair: VethPair;
	/** Both by the inode of their namespace. */
	private readonly relays = new Map<number, VethPair>();
	private readonly firstHops = new Map<number, number>();
	/** Of a destination in another namespace. */
	private readonly exit: NativeNetns | undefined;
	private readonly alias: string;
	private readonly marks: boolean;
	private readonly programs: NativeMirrorPort;
	private readonly host: Host;
	private readonly notice: (notice: Notice) => void;
	private uplink: number;
	private path: Path;
	private unresolved = 0;
	private nextHop: Uint8Array | null = null;
	private finalWords: Float64Array | null = null;

	/** @throws XspanError; nothing is left behind */
	constructor(plan: Plan, destination: MirrorPlan, notice: (notice: Notice) => void) {
		this.plan = destination;
		this.notice = notice;
		this.host = readHost();
		this.uplink = destination.interface?.ifindex ?? destination.port.route?.ifindex ?? 0;
		this.path = destination.interface || destination.port.route ? 'ok' : 'no_route';
		const { to, port } = destination;
		const config = encodePortConfig(plan, to, port, destination.interface?.ifindex ?? 0);
		try {
			this.programs = new native.MirrorPort(config);
		} catch (cause) {
			throw loadError(cause);
		}
		this.alias = `xspan ${process.pid}: ${plan.name}`;
		this.marks = needsMarker(plan, to);
		this.exit = openNetns(destination.interface);
		try {
			this.pair = openPair({ alias: this.alias, offloads: false, innerNetns: this.exit });
		} catch (error) {
			this.programs.close();
			this.exit?.close();
			throw error;
		}
		this.outerIfindex = this.pair.outer;
		this.attach(to);
	}

	private attach(to: Destination): void {
		const { outer, inner, innerName } = this.pair;
		try {
			if (isIpv6(to)) letIpv6Forward(innerName);
			this.programs.attach({
				outer,
				inner,
				innerNetns: this.exit,
				marks: this.marks,
			});
			this.refresh(this.host.links);
		} catch (error) {
			this.close();
			throw error instanceof XspanError ? error : loadError(error);
		}
	}

	/** The way into the mirror port from a tap: made when the first one of its kind and namespace asks. */
	pathFrom({ netns: inode, path, link }: TapPlan): ClonePath {
		const netns = path === null ? undefined : new native.Netns(path);
		try {
			const port = netns ? this.relayFrom(netns) : this.outerIfindex;
			return { port, firstHop: link === 'raw' ? this.firstHopIn(netns, inode) : 0 };
		} finally {
			netns?.close();
		}
	}

	/**
	 * What taps in another namespace clone frames to there: a pair that leads into the mirror port. One for
	 * each namespace.
	 * @returns the ifindex of its outer end
	 */
	private relayFrom(outerNetns: NativeNetns): number {
		const known = this.relays.get(outerNetns.inode());
		if (known) return known.outer;
		const pair = openPair({ alias: this.alias, offloads: true, outerNetns });
		this.relays.set(outerNetns.inode(), pair);
		const { outer, inner } = pair;
		try {
			this.programs.relay({ outer, inner, outerNetns, marks: this.marks });
		} catch (error) {
			throw loadError(error);
		}
		return outer;
	}

	/**
	 * What frames without an Ethernet header are cloned to first: a device without one, at which they get it.
	 * One for each namespace.
	 * @returns its ifindex
	 */
	private firstHopIn(netns: NativeNetns | undefined, inode: number): number {
		const known = this.firstHops.get(inode);
		if (known !== undefined) return known;
		try {
			const alias = shortAlias(this.alias);
			const ifindex = this.programs.addFirstHop({ inode, netns, alias });
			this.firstHops.set(inode, ifindex);
			return ifindex;
		} catch (error) {
			throw firstHopError(error);
		}
	}

	/** No tap is left in a namespace: a first hop there would keep it alive. */
	leave(inode: number): void {
		this.programs.removeFirstHop(inode);
		this.firstHops.delete(inode);
	}

	/** Whether the devices here that taps clone to are still there; somebody may have removed them. */
	isThere(has: (ifindex: number) => boolean): boolean {
		return has(this.outerIfindex) && has(this.firstHops.get(this.host.netns) ?? this.outerIfindex);
	}

	counters(): PortLedger {
		return portLedger(this.finalWords ?? this.programs.counters());
	}

	/** The session's ledger, from those of its taps and of this port. */
	ledger(taps: Ledger, port: PortLedger): Ledger {
		const dropped = this.finalWords ? undefined : native.linkDrops(this.pair.outer);
		return throughMirrorPort(taps, port, dropped);
	}

	/**
	 * Looks after what the programs cannot: ARP and ND are kept going as by a socket that sends, a dead
	 * uplink is told from a missing route, the clock is compared. Called every second and when links change.
	 */
	refresh(links: readonly Link[]): void {
		const { to } = this.plan;
		const route = isTunnel(to) ? this.askRoute(to) : null;
		if (route?.ifindex !== undefined) this.uplink = route.ifindex;
		const uplink = (this.exit?.links() ?? links).find((link) => link.ifindex === this.uplink);
		const isDown = uplink !== undefined && !carries(uplink);
		this.programs.setState({
			downIfindex: isDown ? this.uplink : 0,
			routeMtu: route?.mtu ?? 0,
			source: route?.source ?? new Uint8Array(),
		});
		this.report(isDown ? 'uplink_down' : isTunnel(to) && !route ? 'no_route' : 'ok', uplink?.name);
	}

	private askRoute(to: TunnelDestination): NativeRoute | null {
		const address = parseAddress(to.address) as Uint8Array;
		const route = askRoute(to, this.host);
		this.nextHop = route?.gateway ?? address;
		if (route?.ifindex !== undefined) keepResolved(route.ifindex, this.nextHop);
		return route;
	}

	/** Copies were lost for want of it, and it is still not known. */
	private lacksNeighbour(): boolean {
		const unresolved = this.counters().lost_by.no_neighbour?.frames ?? 0;
		const grows = unresolved > this.unresolved;
		this.unresolved = unresolved;
		if (!grows && this.path !== 'no_neighbour') return false;
		return !this.nextHop || !isResolved(this.uplink, this.nextHop);
	}

	/** Says what has changed since the last time. */
	private report(path: 'ok' | 'no_route' | 'uplink_down', uplink = 'the uplink'): void {
		const now = this.lacksNeighbour() && path === 'ok' ? 'no_neighbour' : path;
		if (now === this.path) return;
		this.path = now;
		const address = isTunnel(this.plan.to) ? this.plan.to.address : '';
		const messages: Record<Path, string> = {
			ok: `the way to ${address || uplink} is open again`,
			no_route: `there is no route to ${address}: copies are lost until there is one`,
			uplink_down: `${uplink} is down: copies are lost until it is up`,
			no_neighbour: `the next hop to ${address} does not answer on ${uplink}: copies are lost until it does`,
		};
		this.notice({ code: now === 'ok' ? 'destination_up' : now, message: messages[now] });
	}

	/** The counters of this moment are the last ones; then everything goes. */
	close(): void {
		this.finalWords ??= this.programs.counters();
		this.programs.close();
		for (const relay of this.relays.values()) closePair(relay);
		closePair(this.pair);
		this.exit?.close();
	}
}

function firstHopError(cause: unknown): XspanError {
	if (!isSystemError(cause) || cause.operation !== 'opening /dev/net/tun') return loadError(cause);
	return new XspanError(
		'unsupported',
		'no_tun',
		`a mirror of frames without an Ethernet header needs a TUN device of its own: ${cause.message}`,
		{
			cause,
			hint: HOW_TO_GET_TUN,
		},
	);
}

/** What a socket that sends does for an entry. Not for one that an administrator made: it would be one no more. */
function keepResolved(ifindex: number, address: Uint8Array): void {
	if ((native.neighbourState(ifindex, address) & NUD_FIXED) === 0)
		native.useNeighbour(ifindex, address);
}

const isResolved = (ifindex: number, address: Uint8Array): boolean =>
	(native.neighbourState(ifindex, address) & NUD_VALID) !== 0;

/** Lets ARP or ND find the next hop before the first frame; who does not answer is told later. */
export async function resolveNeighbour({ to, port }: MirrorPlan): Promise<void> {
	if (!isTunnel(to) || !port.route) return;
	const { ifindex, gateway } = port.route;
	const address = parseAddress(gateway ?? to.address) as Uint8Array;
	const isKnown = () => isResolved(ifindex, address);
	if (isKnown()) return;
	keepResolved(ifindex, address);
	for (const end = Date.now() + NEIGHBOUR_WAIT_MS; !isKnown() && Date.now() < end; )
		await new Promise((resolve) => setTimeout(resolve, 5));
}
