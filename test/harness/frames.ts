/** Frames, built from their parts: ethernet(ipv4(udp(...))). Checksums are right. */

const hex = (text: string): Buffer => Buffer.from(text.replace(/[\s:]/g, ''), 'hex');

export const HOST_A = '02:00:00:00:00:0a';
export const HOST_B = '02:00:00:00:00:0b';
export const BROADCAST = 'ff:ff:ff:ff:ff:ff';

export interface Tag {
	/** 0x8100 802.1Q (default), 0x88a8 802.1ad. */
	protocol?: number;
	id: number;
	priority?: number;
}

function u16(...values: number[]): Buffer {
	const out = Buffer.alloc(2 * values.length);
	for (const [i, value] of values.entries()) out.writeUInt16BE(value, 2 * i);
	return out;
}

export interface EthernetOptions {
	destination?: string;
	source?: string;
	type: number;
	/** Outermost first. */
	tags?: Tag[];
}

export function ethernet(options: EthernetOptions, payload: Uint8Array): Buffer {
	const tags = (options.tags ?? []).map((tag) =>
		u16(tag.protocol ?? 0x8100, ((tag.priority ?? 0) << 13) | tag.id),
	);
	return Buffer.concat([
		hex(options.destination ?? HOST_B),
		hex(options.source ?? HOST_A),
		...tags,
		u16(options.type),
		payload,
	]);
}

export function checksum(bytes: Uint8Array): number {
	let sum = 0;
	for (let i = 0; i < bytes.length; i += 2)
		sum += ((bytes[i] as number) << 8) + (bytes[i + 1] ?? 0);
	while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
	return ~sum & 0xffff;
}

export const IP_A = '10.9.0.1';
export const IP_B = '10.9.0.2';

const ip4 = (text: string): Buffer => Buffer.from(text.split('.').map(Number));

/** An IPv4/UDP frame whose whole length (without FCS) is `length`; tags come on top. */
export function udpFrame(
	length: number,
	options: Partial<EthernetOptions> & { port?: number } = {},
) {
	const ipLength = length - 14;
	const udp = Buffer.alloc(ipLength - 20, 0x5a);
	u16(40_000, options.port ?? 9, udp.length, 0).copy(udp);
	const header = Buffer.concat([
		Buffer.from([0x45, 0]),
		u16(ipLength, 1, 0x4000),
		Buffer.from([64, 17]),
		u16(0),
		ip4(IP_A),
		ip4(IP_B),
	]);
	header.writeUInt16BE(checksum(header), 10);
	const pseudo = Buffer.concat([ip4(IP_A), ip4(IP_B), Buffer.from([0, 17]), u16(udp.length), udp]);
	udp.writeUInt16BE(checksum(pseudo) || 0xffff, 6);
	return ethernet({ type: 0x0800, ...options }, Buffer.concat([header, udp]));
}

/** IPv6/UDP with a payload of zeros; the checksum is left 0. */
export function udp6Frame(payload = 16): Buffer {
	const udp = Buffer.concat([u16(40_000, 9, 8 + payload, 0), Buffer.alloc(payload)]);
	const header = Buffer.concat([
		hex('60000000'),
		u16(udp.length),
		Buffer.from([17, 64]),
		hex('fd00000000000000000000000000000a'),
		hex('fd00000000000000000000000000000b'),
	]);
	return ethernet({ type: 0x86dd }, Buffer.concat([header, udp]));
}

export function arpRequest(): Buffer {
	const body = Buffer.concat([
		hex('0001 0800 06 04 0001'),
		hex(HOST_A),
		ip4(IP_A),
		hex('000000000000'),
		ip4(IP_B),
	]);
	return ethernet({ type: 0x0806, destination: BROADCAST }, body);
}

export function lldpFrame(): Buffer {
	const tlvs = hex('0207 04 02000000000a 0403 05 6131 0602 0078 0000');
	return ethernet({ type: 0x88cc, destination: '01:80:c2:00:00:0e' }, tlvs);
}

/** 802.3 with an LLC header: a length, not a type (a spanning tree BPDU). */
export function llcFrame(): Buffer {
	const body = hex(
		'424203 0000000000 8000020000000a 00000000 8000020000000a 8001 0000 1400 0200 0f00',
	);
	return ethernet({ type: body.length, destination: '01:80:c2:00:00:00' }, body);
}

/** The shortest thing that has an Ethernet header. */
export const runt = (): Buffer => ethernet({ type: 0x88b5 }, Buffer.alloc(0));
