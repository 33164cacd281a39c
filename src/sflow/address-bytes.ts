/** IP addresses as the bytes of a packet. */
import { parseAddress } from '../spec/address.ts';

/** 4 or 16 bytes, without a zone; null: not an address. */
export const addressBytes = (text: string): Uint8Array | null =>
	parseAddress(text.replace(/%.*$/, ''));
