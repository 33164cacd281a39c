/** A mirror must not feed itself. What would is refused before anything is attached. */
import { XspanError } from '../errors.ts';
import { ARPHRD_LOOPBACK, type Link } from '../topology/links.ts';

function conflict(code: string, message: string): XspanError {
	return new XspanError('conflict', code, message, {
		hint: 'choose another destination: one that no frame of a source passes through',
	});
}

/** The interfaces that a frame sent through this one passes: parents and masters, in this namespace. */
function chain(link: Link, links: readonly Link[]): Set<number> {
	const seen = new Set<number>();
	const pending: (number | undefined)[] = [link.ifindex];
	while (pending.length) {
		const ifindex = pending.pop();
		const each = links.find((candidate) => candidate.ifindex === ifindex);
		if (!each || seen.has(each.ifindex)) continue;
		seen.add(each.ifindex);
		pending.push(each.master);
		if (each.linkNetnsid === undefined && each.kind !== 'veth') pending.push(each.link);
	}
	return seen;
}

const isVethPair = (a: Link, b: Link): boolean =>
	a.kind === 'veth' && a.linkNetnsid === undefined && a.link === b.ifindex;

export function refuseLoops(sources: readonly Link[], port: Link, links: readonly Link[]): void {
	if (port.arpType === ARPHRD_LOOPBACK)
		throw conflict(
			'destination_is_loopback',
			`${port.name} hands copies to this host itself, as if it had received them`,
		);
	for (const source of sources) {
		if (source.ifindex === port.ifindex)
			throw conflict('destination_is_source', `${port.name} is both source and destination`);
		if (isVethPair(source, port))
			throw conflict(
				'destination_is_peer',
				`${port.name} is the other end of ${source.name}: what is sent into it comes out of the source again`,
			);
		if (chain(port, links).has(source.ifindex) || chain(source, links).has(port.ifindex))
			throw conflict(
				'destination_shares_path',
				`frames sent to ${port.name} pass through ${source.name} (master or parent device): copies would be copied again`,
			);
	}
}

/**
 * Copies leave through the uplink. As a source of its own session it is fine, as taps know copies from
 * other frames there; behind a veth pair of this host they come out as received frames, and do not.
 */
export function refuseUplinkLoops(sources: readonly Link[], uplink: Link): void {
	for (const source of sources)
		if (isVethPair(source, uplink))
			throw conflict(
				'uplink_is_peer',
				`copies would leave through ${uplink.name}, the other end of ${source.name}: they would come out of the source again`,
			);
}
