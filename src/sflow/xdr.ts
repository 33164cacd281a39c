/** External Data Representation (RFC 4506) into memory that is there already. */

/** Low bits that are not in a multiple of 4. */
const ODD = 3;

const utf8 = new TextEncoder();

/** Bytes that so many bytes take as XDR opaque data: padded to a multiple of 4. */
export const padded = (bytes: number): number => (bytes + ODD) & ~ODD;

/** Writes big-endian values one behind the other. The caller knows that they fit. */
export class XdrWriter {
	readonly bytes: Uint8Array;
	/** Where the next value goes. */
	at = 0;
	private readonly view: DataView;

	constructor(bytes: Uint8Array) {
		this.bytes = bytes;
		this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
	}

	/** Modulo 2^32, as a counter of the kernel that is wider than its field. */
	u32(value: number): void {
		this.view.setUint32(this.at, value);
		this.at += 4;
	}

	/** unsigned hyper. */
	u64(value: bigint): void {
		this.view.setBigUint64(this.at, value);
		this.at += 8;
	}

	/** IEEE 754, single precision. */
	float(value: number): void {
		this.view.setFloat32(this.at, value);
		this.at += 4;
	}

	/** Opaque data of a length that both sides know. */
	fixed(data: Uint8Array, length = data.length): void {
		const end = this.at + padded(length);
		if (data.length === length) this.bytes.set(data, this.at);
		else this.bytes.set(data.subarray(0, length), this.at);
		for (let at = this.at + length; at < end; at++) this.bytes[at] = 0;
		this.at = end;
	}

	/** Opaque data with its length in front. */
	opaque(data: Uint8Array, length = data.length): void {
		this.u32(length);
		this.fixed(data, length);
	}

	/** A string of at most so many bytes of UTF-8, cut between two characters. */
	string(text: string, most: number): void {
		const encoded = new Uint8Array(most);
		this.opaque(encoded, utf8.encodeInto(text, encoded).written);
	}

	/** Replaces what was written before. */
	setU32(at: number, value: number): void {
		this.view.setUint32(at, value);
	}
}
