/** Puts samples together to datagrams (sFlow version 5, sample_datagram_v5). */
import type { DataSource } from './data-source.ts';
import { writeAddress } from './records.ts';
import { XdrWriter } from './xdr.ts';

/** Fits into an Ethernet frame, with room for tunnels on the way. */
export const DATAGRAM_MOST = 1400;

/**
 * The largest sample. It fits into every datagram, also with an IPv6 address: HEADER_BYTES.max and
 * ADAPTERS_MOST see to that.
 */
const SAMPLE_MOST = DATAGRAM_MOST - 40;

/** A reader sees samples at most so much later. */
export const FLUSH_MS = 1000;

const VERSION = 5;

/** Datagrams whose memory is used again. What exceeds them is left to the garbage collector. */
const SPARE_MOST = 256;

/** A datagram that is complete. Its memory is used again after the last release(). */
export class Datagram {
	readonly xdr = new XdrWriter(Buffer.allocUnsafeSlow(DATAGRAM_MOST + SAMPLE_MOST));
	/** Of the flow samples in it, one each: who lost something when it is not sent. */
	readonly sources: DataSource[] = [];
	length = 0;
	samples = 0;
	/** Whether its samples are counted as lost already. */
	lost = false;
	private holders = 0;
	private readonly recycle: (datagram: Datagram) => void;

	constructor(recycle: (datagram: Datagram) => void) {
		this.recycle = recycle;
	}

	/** What goes into the packet. */
	get bytes(): Buffer {
		return (this.xdr.bytes as Buffer).subarray(0, this.length);
	}

	hold(): void {
		this.holders++;
	}

	release(): void {
		if (--this.holders === 0) this.recycle(this);
	}

	/** Its flow samples are lost: each once, however many collectors miss it. */
	countLost(): void {
		if (this.lost) return;
		this.lost = true;
		for (const source of this.sources) source.dropped++;
	}

	clear(): void {
		this.sources.length = 0;
		this.samples = 0;
		this.length = 0;
		this.lost = false;
		this.xdr.at = 0;
	}
}

export interface AssemblerOptions {
	/** 4 or 16 bytes. */
	agent: Uint8Array;
	/** Tells apart several agents on one address. */
	subAgent: number;
	/** Milliseconds since the device was booted. */
	uptimeMs: () => number;
	/** Takes a datagram; whoever keeps it calls hold() and, later, release(). */
	send: (datagram: Datagram) => void;
}

/** Positions in the header, after the address. */
const SEQUENCE = 4;
const UPTIME = 8;
const SAMPLES = 12;

export class DatagramAssembler {
	/** Of the last datagram. */
	sequence = 0;
	private readonly options: AssemblerOptions;
	/** 4 or 16 bytes. */
	private agent: Uint8Array;
	private readonly spare: Datagram[] = [];
	private current: Datagram;
	private timer: NodeJS.Timeout | null = null;
	/** Where the address ends. */
	private addressEnd = 0;

	constructor(options: AssemblerOptions) {
		this.options = options;
		this.agent = options.agent;
		this.current = this.fresh();
	}

	/**
	 * Adds the sample that write() writes. A sample is never split: one that does not fit any more
	 * goes into the next datagram.
	 * @param source of a flow sample, for countLost()
	 */
	add(write: (xdr: XdrWriter) => void, source?: DataSource): void {
		let datagram = this.current;
		const start = datagram.xdr.at;
		write(datagram.xdr);
		if (datagram.xdr.at > DATAGRAM_MOST) {
			const sample = datagram.xdr.bytes.subarray(start, datagram.xdr.at);
			datagram.xdr.at = start;
			datagram = this.moveOn(sample);
		}
		datagram.samples++;
		if (source) datagram.sources.push(source);
		this.timer ??= setTimeout(() => this.flush(), FLUSH_MS);
	}

	/** Sends what there is. */
	flush(): void {
		if (this.timer) clearTimeout(this.timer);
		this.timer = null;
		if (this.current.samples === 0) return;
		const full = this.current;
		this.current = this.fresh();
		this.finish(full);
	}

	/** The address from the next datagram on. */
	setAgent(address: Uint8Array): void {
		this.flush();
		this.agent = address;
		this.current = this.fresh();
	}

	/** The sample still lies behind the end of the datagram that is full. */
	private moveOn(sample: Uint8Array): Datagram {
		const full = this.current;
		const next = this.fresh();
		next.xdr.fixed(sample);
		this.current = next;
		this.finish(full);
		return next;
	}

	private finish(datagram: Datagram): void {
		const { xdr } = datagram;
		datagram.length = xdr.at;
		xdr.setU32(this.addressEnd + SEQUENCE, ++this.sequence);
		xdr.setU32(this.addressEnd + UPTIME, this.options.uptimeMs());
		xdr.setU32(this.addressEnd + SAMPLES, datagram.samples);
		datagram.hold();
		this.options.send(datagram);
		datagram.release();
	}

	/** An empty datagram with a header, whose numbers finish() fills in. */
	private fresh(): Datagram {
		const datagram =
			this.spare.pop() ??
			new Datagram((done) => {
				if (this.spare.length < SPARE_MOST) this.spare.push(done);
			});
		datagram.clear();
		const { xdr } = datagram;
		xdr.u32(VERSION);
		writeAddress(xdr, this.agent);
		this.addressEnd = xdr.at;
		xdr.u32(this.options.subAgent);
		for (let field = 0; field < 3; field++) xdr.u32(0);
		return datagram;
	}
}
