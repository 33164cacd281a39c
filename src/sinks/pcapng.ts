/**
 * The blocks of a pcapng file that are few: section header, interface descriptions, statistics
 * (draft-ietf-opsawg-pcapng, sections 4.1, 4.2 and 4.6). The packet blocks are written by the drain
 * thread, native/format.cc.
 */

export interface SectionInfo {
	hardware: string;
	os: string;
	application: string;
}

export interface InterfaceInfo {
	name: string;
	description: string;
	/** "02:42:ac:11:00:02", or null. */
	address: string | null;
	/** Bits per second, 0 when unknown. */
	speed: number;
	snaplen: number;
	link: 'ethernet' | 'raw';
}

export interface InterfaceStatistics {
	interfaceId: number;
	startNs: bigint;
	endNs: bigint;
	/** Frames that the tap saw. */
	received: number;
	/** Frames lost between the tap and the file. */
	dropped: number;
	/** Frames in the file, counting super-frames as their segments. */
	delivered: number;
}

const BLOCK = { section: 0x0a0d0d0a, interface: 1, statistics: 5 } as const;
const BYTE_ORDER_MAGIC = 0x1a2b3c4d;
/** LINKTYPE_ETHERNET, LINKTYPE_RAW of tcpdump.org/linktypes.html */
const LINKTYPE = { ethernet: 1, raw: 101 } as const;
const NANOSECONDS = 9;

const pad4 = (length: number): number => (length + 3) & ~3;

function option(code: number, value: Uint8Array): Buffer {
	const out = Buffer.alloc(4 + pad4(value.length));
	out.writeUInt16LE(code, 0);
	out.writeUInt16LE(value.length, 2);
	out.set(value, 4);
	return out;
}

/** The longest string an option can hold without breaking readers that use a signed length. */
const LONGEST_TEXT = 32_000;

const textOption = (code: number, text: string): Buffer =>
	option(code, Buffer.from(text, 'utf8').subarray(0, LONGEST_TEXT));

function u64Option(code: number, value: number | bigint): Buffer {
	const bytes = Buffer.alloc(8);
	bytes.writeBigUInt64LE(BigInt(value));
	return option(code, bytes);
}

function timeWords(ns: bigint): Buffer {
	const bytes = Buffer.alloc(8);
	bytes.writeUInt32LE(Number(ns >> 32n), 0);
	bytes.writeUInt32LE(Number(ns & 0xffff_ffffn), 4);
	return bytes;
}

function block(type: number, body: Uint8Array, options: Uint8Array[]): Buffer {
	const end = Buffer.alloc(4);
	const content = Buffer.concat([body, ...options, ...(options.length ? [end] : [])]);
	const out = Buffer.alloc(12 + content.length);
	out.writeUInt32LE(type, 0);
	out.writeUInt32LE(out.length, 4);
	out.set(content, 8);
	out.writeUInt32LE(out.length, out.length - 4);
	return out;
}

/** Section Header Block, version 1.0, of unknown length. */
export function sectionHeader(info: SectionInfo): Buffer {
	const body = Buffer.alloc(16);
	body.writeUInt32LE(BYTE_ORDER_MAGIC, 0);
	body.writeUInt16LE(1, 4);
	body.writeUInt16LE(0, 6);
	body.writeBigInt64LE(-1n, 8);
	return block(BLOCK.section, body, [
		textOption(2, info.hardware),
		textOption(3, info.os),
		textOption(4, info.application),
	]);
}

/** Interface Description Block; nanoseconds. */
export function interfaceDescription(info: InterfaceInfo): Buffer {
	const body = Buffer.alloc(8);
	body.writeUInt16LE(LINKTYPE[info.link], 0);
	body.writeUInt32LE(info.snaplen, 4);
	const options = [textOption(2, info.name), textOption(3, info.description)];
	if (info.address) options.push(option(6, Buffer.from(info.address.replaceAll(':', ''), 'hex')));
	if (info.speed) options.push(u64Option(8, info.speed));
	options.push(option(9, Buffer.from([NANOSECONDS])));
	return block(BLOCK.interface, body, options);
}

/** Interface Statistics Block. */
export function interfaceStatistics(info: InterfaceStatistics): Buffer {
	const id = Buffer.alloc(4);
	id.writeUInt32LE(info.interfaceId, 0);
	return block(BLOCK.statistics, Buffer.concat([id, timeWords(info.endNs)]), [
		option(2, timeWords(info.startNs)),
		option(3, timeWords(info.endNs)),
		u64Option(4, info.received),
		u64Option(7, info.dropped),
		u64Option(8, info.delivered),
	]);
}
