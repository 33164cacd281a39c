/** Frames for programs: one view that moves over a batch, so that iterating allocates nothing. */
import { Other, RecordFlags, RecordLayout } from '../abi.gen.ts';
import { XspanError } from '../errors.ts';
import { native } from '../native.ts';
import type { TapPlan } from '../plan/plan.ts';
import type { Slab } from './reader.ts';

const F = RecordLayout.fields;
const NS_PER_WORD = 2 ** 32;

/** struct xs_next_hop */
const HOP_ROOM = 16;

/** What FrameView.otherInterface may be beside an ifIndex. */
export const OtherInterface = {
	unknown: Other.unknown,
	/** This host itself: it sent the frame, or takes it. */
	host: Other.host,
	/** From here on, plus why: a route refuses the frame. Reasons are those of sFlow version 5. */
	discarded: 2 ** Other.discarded_shift,
} as const;

/** One frame of a batch. It moves with the loop: copy what you want to keep. */
export class FrameView {
	private readonly batch: FrameBatch;
	/** Byte offset of the record in the slab; a multiple of 8. */
	private at = 0;

	constructor(batch: FrameBatch) {
		this.batch = batch;
	}

	/** @internal */
	move(at: number): this {
		this.at = at;
		return this;
	}

	/** The captured bytes, a view into the batch (allocates the view, not the bytes). */
	get bytes(): Uint8Array {
		return new Uint8Array(this.batch.buffer, this.byteOffset, this.capturedLength);
	}
	/** Where the bytes begin in the batch's buffer. */
	get byteOffset(): number {
		return this.hopOffset + (this.flags & RecordFlags.hop_room ? HOP_ROOM : 0);
	}
	/** Nanoseconds since 1970-01-01 UTC. */
	get timeNs(): bigint {
		return (BigInt(this.u32(F.time_ns.offset + 4)) << 32n) | BigInt(this.u32(F.time_ns.offset));
	}
	/** Milliseconds since 1970-01-01 UTC, with a resolution of about 0.2 µs; allocates nothing. */
	get timeMs(): number {
		return (this.u32(F.time_ns.offset + 4) * NS_PER_WORD + this.u32(F.time_ns.offset)) / 1e6;
	}
	/** Bytes of the frame as it was seen, VLAN tag included, FCS not. */
	get wireLength(): number {
		return this.u32(F.wire_len.offset);
	}
	get capturedLength(): number {
		return this.u32(F.cap_len.offset);
	}
	/** Frames lost on this interface and direction (per CPU) right before this one. */
	get lostBefore(): number {
		return this.u32(F.lost.offset);
	}
	/**
	 * Frames that matched the filter on this interface and direction (per CPU) since the one before,
	 * this one included: those that a sample had to choose from.
	 */
	get passed(): number {
		return this.u32(F.passed.offset);
	}
	/** The interface it was seen on. */
	get interface(): string {
		return (this.batch.taps[this.u16(F.tap.offset)] as TapPlan).source;
	}
	/** What the bytes begin with. */
	get link(): 'ethernet' | 'raw' {
		return (this.batch.taps[this.u16(F.tap.offset)] as TapPlan).link;
	}
	/** Index into the session's plan.taps. */
	get tap(): number {
		return this.u16(F.tap.offset);
	}
	get direction(): 'rx' | 'tx' {
		return this.flags & RecordFlags.tx ? 'tx' : 'rx';
	}
	/** VLAN id of the outermost 802.1Q or 802.1ad tag, null without one. */
	get vlan(): number | null {
		if (this.capturedLength < 16 || this.link === 'raw') return null;
		const at = this.byteOffset + 12;
		const type = this.batch.view.getUint16(at);
		return type === 0x8100 || type === 0x88a8 ? this.batch.view.getUint16(at + 2) & 0xfff : null;
	}
	/** A super-frame that stands for `segments` frames on a wire. */
	get gso(): boolean {
		return (this.flags & RecordFlags.gso) !== 0;
	}
	get segments(): number {
		return this.u16(F.segs.offset);
	}
	/** Bytes that each of them carries behind its headers, the last one less; 0 without a super-frame. */
	get segmentPayload(): number {
		return this.u16(F.gso_size.offset);
	}
	/** The checksum is not complete yet: a sender's offload. */
	get checksumNotReady(): boolean {
		return (this.flags & RecordFlags.csum_not_ready) !== 0;
	}
	/** Receive queue, null when unknown. */
	get queue(): number | null {
		const queue = this.u16(F.queue.offset);
		return queue ? queue - 1 : null;
	}
	/** The session's selection under which it was chosen: what update() counts, in 16 bits. */
	get selection(): number {
		return this.u16(F.selection.offset);
	}
	/**
	 * With `otherInterface`: the ifIndex of the interface by which a received frame leaves this host,
	 * or a sent one came to it. 0: not known. See OtherInterface for the values that are no ifIndex.
	 */
	get otherInterface(): number {
		return this.u32(F.other_interface.offset);
	}

	/**
	 * With `otherInterface`: the address of the router to which a routed frame goes next, 4 or 16
	 * bytes, in memory of its own; all zero where its destination is on the link. null: it is not
	 * routed, or nobody knows (frames that are sent, on kernels before 6.2).
	 */
	get nextHop(): Uint8Array | null {
		if (this.flags & RecordFlags.hop_ipv4) return this.hop(4);
		return this.flags & RecordFlags.hop_ipv6 ? this.hop(16) : null;
	}

	private hop(length: number): Uint8Array {
		return new Uint8Array(this.batch.buffer, this.hopOffset, length).slice();
	}
	private get hopOffset(): number {
		return this.at + RecordLayout.size;
	}
	private get flags(): number {
		return this.u16(F.flags.offset);
	}
	private u32(field: number): number {
		return this.batch.words[(this.at + field) >>> 2] as number;
	}
	private u16(field: number): number {
		return this.batch.halfWords[(this.at + field) >>> 1] as number;
	}
}

/** Many frames, in order of time. Valid until the next batch is asked for. */
export class FrameBatch implements Iterable<FrameView> {
	readonly length: number;
	/** @internal */
	readonly words: Uint32Array;
	/** @internal */
	readonly halfWords: Uint16Array;
	/** @internal */
	readonly view: DataView;
	/** @internal */
	readonly taps: readonly TapPlan[];
	private readonly offsets: Uint32Array;
	private memory: ArrayBuffer | null;

	constructor(slab: Slab, taps: readonly TapPlan[]) {
		const { dataBytes, offsetsAt } = native.slabLayout;
		this.length = slab.records;
		this.memory = slab.buffer;
		this.words = new Uint32Array(slab.buffer, 0, dataBytes / 4);
		this.halfWords = new Uint16Array(slab.buffer, 0, dataBytes / 2);
		this.view = new DataView(slab.buffer, 0, dataBytes);
		this.offsets = new Uint32Array(slab.buffer, offsetsAt, slab.records);
		this.taps = taps;
	}

	/** The memory that holds the batch. */
	get buffer(): ArrayBuffer {
		if (!this.memory)
			throw new XspanError(
				'usage',
				'batch_is_over',
				'this batch is over: its memory holds other frames now',
				{
					hint: 'copy what you need before you ask for the next batch: frame.bytes.slice()',
				},
			);
		return this.memory;
	}

	/** @internal Called when the memory goes back to the drain thread. */
	invalidate(): void {
		this.memory = null;
	}

	/** The frame at an index, in a view of its own or in the one given. */
	at(index: number, view: FrameView = new FrameView(this)): FrameView {
		if (!this.memory) void this.buffer; // throws
		if (!(index >= 0 && index < this.length))
			throw new RangeError(`no frame ${index} of ${this.length}`);
		return view.move(this.offsets[index] as number);
	}

	/** The same view, and the same result object, in every step. */
	[Symbol.iterator](): Iterator<FrameView> {
		const { offsets, length } = this;
		const view = new FrameView(this);
		const step = { done: false, value: view };
		let index = 0;
		void this.buffer;
		return {
			next: (): IteratorResult<FrameView> => {
				if (index >= length) return { done: true, value: undefined };
				view.move(offsets[index++] as number);
				return step;
			},
		};
	}
}
