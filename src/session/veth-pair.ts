/** The veth pairs that xspan creates: named, noted before they are made, and removed. */
import { randomBytes } from 'node:crypto';
import { InnerIfindex } from '../abi.gen.ts';
import { hasCode, XspanError } from '../errors.ts';
import { type NativeNetns, native } from '../native.ts';
import { forget, rememberVeth, type VethRecord } from './leftovers.ts';
import { loadError } from './taps.ts';

/** veth takes frames of this MTU, whatever the sources' is. */
const LARGEST_MTU = 65_535;
/** Frames that wait in front of the mirror port, super-frames whole. */
const QUEUE_FRAMES = 1000;
/** IFALIASZ is 256 bytes; of any text so many characters fit. */
const LONGEST_ALIAS = 80;
/** Names that may be taken by others before we give up. */
const TRIES = 4096;

/** 02: locally administered; 58:53: "XS". */
const newAddress = (): Uint8Array => Uint8Array.from([0x02, 0x58, 0x53, ...randomBytes(3)]);
const hex = (bytes: Uint8Array): string =>
	Buffer.from(bytes).toString('hex').replace(/..\B/g, '$&:');

export const shortAlias = (alias: string): string => alias.slice(0, LONGEST_ALIAS);

export interface PairOptions {
	/** What `ip link` shows beside it. */
	alias: string;
	/** Super-frames pass as they are. */
	offloads: boolean;
	/** Where the ends are; not given: here. */
	outerNetns?: NativeNetns | undefined;
	innerNetns?: NativeNetns | undefined;
}

/** Frames go in at the outer end and come out at the inner one. */
export interface VethPair {
	outer: number;
	inner: number;
	innerName: string;
	record: VethRecord;
}

/** Creates the pair of this number; null: its name or index is taken. */
function createPair(number: number, options: PairOptions): VethPair | null {
	const ends = { outer: `xspan${number}`, inner: `xspan${number}-in` };
	const addresses = { outerAddress: newAddress(), innerAddress: newAddress() };
	const innerIfindex = InnerIfindex.first + number;
	// The end that is here is the one to find it by.
	const record = options.outerNetns
		? rememberVeth({ name: ends.inner, address: hex(addresses.innerAddress) })
		: rememberVeth({ name: ends.outer, address: hex(addresses.outerAddress) });
	try {
		const outer = native.createVeth({
			...ends,
			...addresses,
			...options,
			alias: shortAlias(options.alias),
			innerIfindex,
			mtu: LARGEST_MTU,
			queue: QUEUE_FRAMES,
		});
		return { outer, inner: innerIfindex, innerName: ends.inner, record };
	} catch (error) {
		forget(record);
		if (hasCode(error, 'EEXIST', 'EBUSY')) return null;
		throw pairError(error);
	}
}

function pairError(cause: unknown): XspanError {
	if (hasCode(cause, 'EPERM')) return loadError(cause);
	return new XspanError(
		'unsupported',
		'no_mirror_port',
		`cannot create a mirror port: ${cause instanceof Error ? cause.message : String(cause)}`,
		{ cause, hint: 'this needs the kernel modules veth and sch_fifo' },
	);
}

/** @throws XspanError; nothing is left behind */
export function openPair(options: PairOptions): VethPair {
	const taken = new Set(native.links().map((link) => link.name));
	for (let number = 0; number < TRIES; number++) {
		if (taken.has(`xspan${number}`) || taken.has(`xspan${number}-in`)) continue;
		const pair = createPair(number, options);
		if (pair) return pair;
	}
	throw new XspanError('conflict', 'no_free_name', `xspan0 to xspan${TRIES - 1} are all taken`, {
		hint: 'remove some of these interfaces: `xspan clean` removes what killed sessions left',
	});
}

/** Removing one end removes both. Not an error when somebody, or a namespace that ended, was faster. */
export function closePair(pair: VethPair): void {
	const { name, address } = pair.record;
	const link = native.links().find((each) => each.name === name && each.address === address);
	if (link) native.deleteLink(link.ifindex);
	forget(pair.record);
}
