/**
 * How a filter program reads the canonical frame, VLAN tag in place, at either hook. The first bytes
 * (all that constant offsets name) are copied to the stack once; the rest is read where it lies.
 */
import { type Assembler, type Label, type Register, reg, type Width } from './assembler.ts';

export type FilterHook = 'tc' | 'xdp';

/** Registers that live through helper calls. */
export const R = { context: 6, a: 7, x: 8, length: 9, frame: 10 } as const satisfies Record<
	string,
	Register
>;

/** Offsets below the frame pointer. */
const STACK = { tagLength: -4, mapKey: -8, bytes: -16, scratch: -80 } as const;

/** struct __sk_buff, include/uapi/linux/bpf.h */
export const SKB = {
	len: 0,
	vlanPresent: 20,
	vlanTci: 24,
	vlanProto: 28,
	data: 76,
	dataEnd: 80,
	gsoSegs: 164,
	gsoSize: 176,
} as const;

/** struct xdp_md, include/uapi/linux/bpf.h */
const XDP = { data: 0, dataEnd: 4 } as const;

const HELPER = {
	skbLoadBytes: 26,
	xdpGetBuffLen: 188,
	xdpLoadBytes: 189,
} as const;

const TAG_AT = 12;
const TAG_LENGTH = 4;
const AFTER_TAG = TAG_AT + TAG_LENGTH;

/** What lies behind the Ethernet header is aligned on the stack: the kernel wants that of stack reads. */
const ALIGNING = 2;

export class FrameAccess {
	private readonly asm: Assembler;
	private readonly hook: FilterHook;
	private readonly window: number;
	/** Where byte 0 of the frame is, below the frame pointer. */
	private readonly base: number;
	private readonly reject: Label;

	/** reach: how many bytes are worth copying, see reachOf() in translate.ts. */
	constructor(asm: Assembler, hook: FilterHook, reach: number, reject: Label) {
		this.asm = asm;
		this.hook = hook;
		this.reject = reject;
		const wanted = Math.max(reach, AFTER_TAG + 4);
		this.window = Math.ceil((wanted + ALIGNING) / 8) * 8 - ALIGNING;
		this.base = STACK.scratch - this.window;
	}

	static scratch(slot: number): number {
		return STACK.scratch + 4 * slot;
	}

	static readonly mapKey = STACK.mapKey;

	/** Context, length, and the window. */
	prologue(): void {
		const { asm } = this;
		const filled = asm.label('filled');
		asm.alu64('mov', R.context, reg(1));
		asm.store(4, R.frame, STACK.tagLength, 0);
		if (this.hook === 'xdp') this.xdpPrologue(filled);
		else this.skbPrologue(filled);
		asm.place(filled);
	}

	/** R.a or a register of its choice = the bytes at a constant offset. */
	loadConstant(dst: Register, offset: number, size: Width): void {
		const { asm } = this;
		asm.jump64('lt', R.length, offset + size, this.reject);
		if (offset + size <= this.window) {
			this.loadWindow(dst, offset, size);
			return;
		}
		asm.alu64('mov', 2, offset);
		this.loadFar(dst, size);
	}

	/** R.a = the bytes at X + k. */
	loadIndirect(dst: Register, k: number, size: Width): void {
		const { asm } = this;
		const far = asm.label('far');
		const done = asm.label('done');
		asm.alu32('mov', 2, k); // zero-extends: k is unsigned
		asm.alu64('add', 2, reg(R.x));
		asm.alu64('mov', 3, reg(2));
		asm.alu64('add', 3, size);
		asm.jump64('gt', 3, reg(R.length), this.reject);
		asm.jump64('gt', 2, this.window - size, far);
		this.loadNear(dst, size);
		asm.jump(done);
		asm.place(far);
		this.loadFar(dst, size);
		asm.place(done);
	}

	private xdpPrologue(filled: Label): void {
		const { asm } = this;
		asm.call(HELPER.xdpGetBuffLen, 'bpf_xdp_get_buff_len');
		asm.alu64('mov', R.length, reg(0));
		this.fillWhole(XDP.data, XDP.dataEnd, filled);
	}

	private skbPrologue(filled: Label): void {
		const { asm } = this;
		const tagged = asm.label('tagged');
		asm.load(R.length, 4, R.context, SKB.len);
		asm.load(1, 4, R.context, SKB.vlanPresent);
		asm.jump64('ne', 1, 0, tagged);
		this.fillWhole(SKB.data, SKB.dataEnd, filled);
		asm.jump(filled);
		asm.place(tagged);
		asm.store(4, R.frame, STACK.tagLength, TAG_LENGTH);
		this.clear();
		this.readBytes(0, this.base, TAG_AT);
		asm.load(1, 4, R.context, SKB.vlanProto);
		asm.store(2, R.frame, this.base + TAG_AT, reg(1));
		asm.load(1, 4, R.context, SKB.vlanTci);
		asm.fromNetwork(1, 16); // the same swap in either direction
		asm.store(2, R.frame, this.base + TAG_AT + 2, reg(1));
		this.fill(TAG_AT, AFTER_TAG);
		asm.alu64('add', R.length, TAG_LENGTH);
	}

	/** The window from a frame as it lies in memory: word by word where it is in reach, as mostly. */
	private fillWhole(data: number, dataEnd: number, filled: Label): void {
		const { asm } = this;
		const outOfReach = asm.label('out of reach');
		asm.load(2, 4, R.context, data);
		asm.load(3, 4, R.context, dataEnd);
		asm.alu64('mov', 4, reg(2));
		asm.alu64('add', 4, this.window);
		asm.jump64('gt', 4, reg(3), outOfReach);
		for (let at = 0, width: Width = 2; at < this.window; at += width, width = at < 6 ? 4 : 8) {
			asm.load(1, width, 2, at);
			asm.store(width, R.frame, this.base + at, reg(1));
		}
		asm.jump(filled);
		asm.place(outOfReach);
		this.clear();
		this.fill(0, 0);
	}

	/** The kernel lets no program read stack that it has not written. */
	private clear(): void {
		for (let at = this.base - ALIGNING; at < STACK.scratch; at += 8)
			this.asm.store(8, R.frame, at, 0);
	}

	/** Bytes of the frame from `from` into the window from `to`, as many as there are of both. */
	private fill(from: number, to: number): void {
		const { asm } = this;
		const room = this.window - to;
		const bounded = asm.label('bounded');
		const none = asm.label('none');
		asm.alu64('mov', 4, reg(R.length));
		if (from) asm.alu64('sub', 4, from);
		asm.jump64('slt', 4, 1, none);
		asm.jump64('le', 4, room, bounded);
		asm.alu64('mov', 4, room);
		asm.place(bounded);
		asm.alu64('mov', 2, from);
		this.call(this.base + to);
		asm.place(none);
	}

	private readBytes(offset: number, to: number, size: number): void {
		this.asm.alu64('mov', 2, offset);
		this.asm.alu64('mov', 4, size);
		this.call(to);
	}

	/** r2 offset, r4 length; the bytes go below the frame pointer. */
	private call(to: number): void {
		const { asm } = this;
		asm.alu64('mov', 1, reg(R.context));
		asm.alu64('mov', 3, reg(R.frame));
		asm.alu64('add', 3, to);
		if (this.hook === 'xdp') asm.call(HELPER.xdpLoadBytes, 'bpf_xdp_load_bytes');
		else asm.call(HELPER.skbLoadBytes, 'bpf_skb_load_bytes');
	}

	/** Big-endian bytes of the window; unaligned ones in two halves. */
	private loadWindow(dst: Register, offset: number, size: Width): void {
		const { asm } = this;
		const at = this.base + offset;
		if (at % size === 0) {
			asm.load(dst, size, R.frame, at);
			if (size === 2) asm.fromNetwork(dst, 16);
			if (size === 4) asm.fromNetwork(dst, 32);
			return;
		}
		const half = (size / 2) as Width;
		this.loadWindow(0, offset, half);
		asm.alu64('lsh', 0, 8 * half);
		if (size === 4) asm.alu64('mov', 5, reg(0));
		this.loadHalf(1, offset + half, half);
		asm.alu64('or', 1, reg(size === 4 ? 5 : 0));
		asm.alu64('mov', dst, reg(1));
	}

	/** The lower half of an unaligned word: bytes, or two bytes that may be unaligned themselves. */
	private loadHalf(dst: Register, offset: number, size: Width): void {
		if (size === 1 || (this.base + offset) % 2 === 0) {
			this.loadWindow(dst, offset, size);
			return;
		}
		this.asm.load(dst, 1, R.frame, this.base + offset);
		this.asm.alu64('lsh', dst, 8);
		this.asm.load(0, 1, R.frame, this.base + offset + 1);
		this.asm.alu64('or', dst, reg(0));
	}

	/** The bytes at canonical offset r2 behind the window, which lie within the frame. */
	private loadFar(dst: Register, size: Width): void {
		const { asm } = this;
		if (this.hook === 'tc') {
			asm.load(4, 4, R.frame, STACK.tagLength);
			asm.alu64('sub', 2, reg(4)); // the window reaches beyond the tag
		}
		asm.alu64('mov', 4, size);
		this.call(STACK.bytes);
		asm.jump64('ne', 0, 0, this.reject);
		asm.load(dst, size, R.frame, STACK.bytes);
		if (size === 2) asm.fromNetwork(dst, 16);
		if (size === 4) asm.fromNetwork(dst, 32);
	}

	/** The bytes at offset r2, which lie within the window: one by one, for they may be unaligned. */
	private loadNear(dst: Register, size: Width): void {
		const { asm } = this;
		asm.alu64('mov', 1, reg(R.frame));
		asm.alu64('add', 1, reg(2));
		asm.load(0, 1, 1, this.base);
		for (let i = 1; i < size; i++) {
			asm.alu64('lsh', 0, 8);
			asm.load(3, 1, 1, this.base + i);
			asm.alu64('or', 0, reg(3));
		}
		asm.alu64('mov', dst, reg(0));
	}
}
