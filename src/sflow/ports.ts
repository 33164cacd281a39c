/**
 * Where a frame came in and went out, in one number without garbage: the format of the expanded
 * encoding (2 bits) above its value (32 bits). sFlow version 5, "interface" and
 * "interface_expanded".
 */
export type Port = number;

const FORMAT = 2 ** 32;
const COMPACT_FORMAT = 2 ** 30;

export const PortFormat = { ifIndex: 0, discarded: 1, multiple: 2 } as const;

/** Not known. */
export const UNKNOWN_PORT: Port = 0;

/** The host itself: frames that it sends or receives, and does not forward. */
export const INTERNAL_PORT: Port = 0x3fffffff;

/** The largest ifIndex, plus one, with which an agent may use the compact encodings. */
export const COMPACT_IFINDEX_END = 2 ** 24;

/** Dropped by this device. Codes below 256 are those of ICMP destination unreachable. */
export const discarded = (reason: number): Port => PortFormat.discarded * FORMAT + reason;

/** Sent out of several interfaces; 0: an unknown number of them, more than one. */
export const multiple = (count: number): Port => PortFormat.multiple * FORMAT + count;

export const portFormat = (port: Port): number => Math.floor(port / FORMAT);
export const portValue = (port: Port): number => port % FORMAT;

/** The 32 bits of the compact encoding; unsigned. */
export const compactPort = (port: Port): number =>
	portFormat(port) * COMPACT_FORMAT + (portValue(port) % COMPACT_FORMAT);

/** Whether the compact encoding has room for it. */
export const fitsCompact = (port: Port): boolean =>
	port < COMPACT_IFINDEX_END || port === INTERNAL_PORT || port >= FORMAT;
