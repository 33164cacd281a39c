/** host_adapters (2001): the interfaces of a host, or of what runs in it, and their MAC addresses. */
import { ARPHRD_LOOPBACK, type Link } from '../../topology/links.ts';
import { begin, CounterRecord, end } from '../structures.ts';
import type { XdrWriter } from '../xdr.ts';

export interface Adapter {
	/** By which the agent's interfaces are known; 0: not known. */
	ifIndex: number;
	/** 6 bytes. */
	mac: Uint8Array;
}

/** As many as leave room for the other host structures in one sample: it cannot be split. */
export const ADAPTERS_MOST = 30;

function parseMac(text: string | undefined): Uint8Array | null {
	const digits = (text ?? '').replaceAll(':', '');
	return /^[0-9a-f]{12}$/i.test(digits) ? Buffer.from(digits, 'hex') : null;
}

/** Hardware first (it has no link kind), then the oldest. Loopback has no address that tells. */
export function adaptersOf(
	links: readonly Link[],
	ifIndexOf = (link: Link): number => link.ifindex,
): Adapter[] {
	const isVirtual = (link: Link): number => (link.kind === undefined ? 0 : 1);
	return links
		.filter((link) => link.arpType !== ARPHRD_LOOPBACK)
		.toSorted((a, b) => isVirtual(a) - isVirtual(b) || a.ifindex - b.ifindex)
		.flatMap((link) => {
			const mac = parseMac(link.address);
			return mac ? [{ ifIndex: ifIndexOf(link), mac }] : [];
		})
		.slice(0, ADAPTERS_MOST);
}

export function writeAdapters(xdr: XdrWriter, adapters: readonly Adapter[]): void {
	const lengthAt = begin(xdr, CounterRecord.hostAdapters);
	xdr.u32(adapters.length);
	for (const { ifIndex, mac } of adapters) {
		xdr.u32(ifIndex);
		xdr.u32(1);
		xdr.fixed(mac);
	}
	end(xdr, lengthAt);
}
