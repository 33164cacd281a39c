/**
 * Classic BPF to eBPF. What libpcap's interpreter (bpf_filter.c) does is what the result does: a load
 * beyond the end of the frame, and a division by zero, reject it.
 */
import { CountersLayout } from '../abi.gen.ts';
import { XspanError } from '../errors.ts';
import {
	Assembler,
	type Condition,
	type Label,
	type Operand,
	type Operation,
	reg,
} from './assembler.ts';
import {
	ALU,
	CLASS,
	type ClassicInstruction,
	classOf,
	JMP,
	MODE,
	modeOf,
	operationOf,
	RETURN_A,
	sizeOf,
	TXA,
	usesX,
} from './cbpf.ts';
import { type FilterHook, FrameAccess, R, SKB } from './frame-access.ts';

const HELPER = { mapLookup: 1, tailCall: 12 } as const;

/** What lets the frame go on: TCX_NEXT and XDP_PASS. */
const GO_ON: Record<FilterHook, number> = { tc: -1, xdp: 2 };

/** Beyond this no frame has bytes; libpcap writes negative offsets as huge ones. */
const FARTHEST_OFFSET = 0x7fff_0000;

const isLoad = (instruction: ClassicInstruction): boolean =>
	classOf(instruction) === CLASS.ld || classOf(instruction) === CLASS.ldx;

/** Reads a constant offset of the frame. */
function isConstantLoad(instruction: ClassicInstruction): boolean {
	const mode = modeOf(instruction);
	return isLoad(instruction) && (mode === MODE.abs || mode === MODE.msh);
}

/** Bytes that a constant load reads; MSH always one. */
const widthOf = (instruction: ClassicInstruction): 1 | 2 | 4 =>
	modeOf(instruction) === MODE.msh ? 1 : sizeOf(instruction);

/** Ends the program on every frame: a return, or a load that no frame reaches. */
function endsProgram(instruction: ClassicInstruction): boolean {
	if (classOf(instruction) === CLASS.ret) return true;
	if (isConstantLoad(instruction))
		return instruction.k > FARTHEST_OFFSET && !readsPacketType(instruction);
	const divides =
		classOf(instruction) === CLASS.alu &&
		(operationOf(instruction) === ALU.div || operationOf(instruction) === ALU.mod);
	return divides && !usesX(instruction) && instruction.k === 0;
}

function successors(program: readonly ClassicInstruction[], index: number): number[] {
	const instruction = program[index] as ClassicInstruction;
	if (endsProgram(instruction)) return [];
	if (classOf(instruction) !== CLASS.jmp) return [index + 1];
	if (operationOf(instruction) === JMP.ja) return [index + 1 + instruction.k];
	return [index + 1 + instruction.jt, index + 1 + instruction.jf];
}

/** Only protochain compiles to a loop. The kernel's verifier wants programs that come to an end. */
function refuseLoops(program: readonly ClassicInstruction[]): void {
	const jumpsBack = (each: ClassicInstruction) =>
		classOf(each) === CLASS.jmp && operationOf(each) === JMP.ja && (each.k | 0) < 0;
	if (!program.some(jumpsBack)) return;
	throw new XspanError(
		'unsupported',
		'filter_has_loop',
		'protochain compiles to a loop, which no program in the kernel may have',
		{
			hint: 'name the protocols directly, as in "ip6 proto 6" or "tcp"',
		},
	);
}

/** Linux's negative offsets for what is not in the frame (SKF_AD_OFF in linux/filter.h). */
const METADATA_OFFSET = 0xffff_f000;
/** SKF_AD_PKTTYPE, which `inbound` and `outbound` compare with PACKET_OUTGOING. */
const PACKET_TYPE = METADATA_OFFSET + 4;
const PACKET_HOST = 0;
const PACKET_OUTGOING = 4;

const readsPacketType = (each: ClassicInstruction): boolean =>
	isConstantLoad(each) && each.k === PACKET_TYPE;

/** The kernel refuses instructions that nothing leads to. */
function reachable(program: readonly ClassicInstruction[]): Set<number> {
	const seen = new Set<number>();
	const pending = [0];
	for (let index = pending.pop(); index !== undefined; index = pending.pop()) {
		if (seen.has(index)) continue;
		seen.add(index);
		pending.push(...successors(program, index));
	}
	return seen;
}

/** Headers of Ethernet, IPv4 and TCP, where X + k mostly points; the shortest frame has them. */
const USUAL_REACH = 54;
/** Beyond this a byte is read where it lies. */
const LARGEST_REACH = 256;

/** How many bytes of the frame the program is likely to read. */
function reachOf(program: readonly ClassicInstruction[]): number {
	const ends = program
		.filter(isConstantLoad)
		.map((instruction) => instruction.k + widthOf(instruction))
		.filter((end) => end <= LARGEST_REACH);
	const isIndirect = program.some((each) => isLoad(each) && modeOf(each) === MODE.ind);
	return Math.max(isIndirect ? USUAL_REACH : 0, ...ends);
}

const ALU_NAMES = Object.fromEntries(
	Object.entries(ALU).map(([name, code]) => [code, name]),
) as Record<number, Operation>;

const CONDITIONS: Record<number, { holds: Condition; fails: Condition | null }> = {
	[JMP.jeq]: { holds: 'eq', fails: 'ne' },
	[JMP.jgt]: { holds: 'gt', fails: 'le' },
	[JMP.jge]: { holds: 'ge', fails: 'lt' },
	[JMP.jset]: { holds: 'set', fails: null },
};

/** Which tap the program stands in front of. */
export interface FilterTarget {
	hook: FilterHook;
	direction: 'rx' | 'tx';
	/** Index of the tap in its session's counters. */
	tap: number;
}

class Translator {
	private readonly asm = new Assembler();
	private readonly program: readonly ClassicInstruction[];
	private readonly live: Set<number>;
	private readonly labels: Label[];
	private readonly accept = this.asm.label('accept');
	private readonly reject = this.asm.label('reject');
	private readonly frame: FrameAccess;
	private readonly target: FilterTarget;

	constructor(program: readonly ClassicInstruction[], target: FilterTarget) {
		this.program = program;
		this.target = target;
		this.live = reachable(program);
		this.labels = program.map((_, index) => this.asm.label(String(index)));
		this.frame = new FrameAccess(this.asm, target.hook, reachOf(program), this.reject);
	}

	translate(): Assembler {
		const { asm } = this;
		this.frame.prologue();
		asm.alu64('mov', R.a, 0);
		asm.alu64('mov', R.x, 0);
		this.clearScratch();
		this.program.forEach((instruction, index) => {
			if (!this.live.has(index)) return;
			asm.place(this.labels[index] as Label);
			this.instruction(instruction, index);
		});
		this.epilogue();
		return asm;
	}

	/** Scratch memory that is read before it was written holds 0. */
	private clearScratch(): void {
		const slots = this.program
			.filter((instruction) => isLoad(instruction) && modeOf(instruction) === MODE.mem)
			.map((instruction) => instruction.k);
		for (const slot of new Set(slots)) this.asm.store(4, R.frame, FrameAccess.scratch(slot), 0);
	}

	private instruction(instruction: ClassicInstruction, index: number): void {
		const { asm } = this;
		const { k } = instruction;
		switch (classOf(instruction)) {
			case CLASS.ld:
			case CLASS.ldx:
				return this.load(instruction);
			case CLASS.st:
				return asm.store(4, R.frame, FrameAccess.scratch(k), reg(R.a));
			case CLASS.stx:
				return asm.store(4, R.frame, FrameAccess.scratch(k), reg(R.x));
			case CLASS.alu:
				return this.alu(instruction);
			case CLASS.jmp:
				return this.jump(instruction, index);
			case CLASS.ret:
				return this.return(instruction);
			default:
				if ((instruction.code & 0xf8) === TXA) asm.alu32('mov', R.a, reg(R.x));
				else asm.alu32('mov', R.x, reg(R.a));
		}
	}

	private load(instruction: ClassicInstruction): void {
		const { asm, frame } = this;
		const { k } = instruction;
		const to = classOf(instruction) === CLASS.ldx ? R.x : R.a;
		if (endsProgram(instruction)) return asm.jump(this.reject);
		if (readsPacketType(instruction)) return asm.alu32('mov', to, this.packetType());
		switch (modeOf(instruction)) {
			case MODE.abs:
				return frame.loadConstant(to, k, sizeOf(instruction));
			case MODE.ind:
				return frame.loadIndirect(to, k, sizeOf(instruction));
			case MODE.mem:
				return asm.load(to, 4, R.frame, FrameAccess.scratch(k));
			case MODE.len:
				return asm.alu32('mov', to, reg(R.length));
			case MODE.msh:
				frame.loadConstant(to, k, 1);
				asm.alu32('and', to, 0xf);
				return asm.alu32('lsh', to, 2);
			default:
				return asm.alu32('mov', to, k);
		}
	}

	/** A tap sees one direction only. */
	private packetType(): number {
		return this.target.direction === 'tx' ? PACKET_OUTGOING : PACKET_HOST;
	}

	private alu(instruction: ClassicInstruction): void {
		const { asm } = this;
		const operation = ALU_NAMES[operationOf(instruction)] as Operation;
		const operand: Operand = usesX(instruction) ? reg(R.x) : instruction.k;
		if (endsProgram(instruction)) return asm.jump(this.reject);
		if (operation === 'neg') return asm.alu32('neg', R.a, 0);
		if (operation === 'lsh' || operation === 'rsh') return this.shift(operation, operand);
		if (usesX(instruction) && (operation === 'div' || operation === 'mod'))
			asm.jump32('eq', R.x, 0, this.reject);
		asm.alu32(operation, R.a, operand);
	}

	/** By 32 and more everything is shifted out; eBPF would shift by the low five bits. */
	private shift(operation: 'lsh' | 'rsh', operand: Operand): void {
		const { asm } = this;
		if (typeof operand === 'number') {
			if (operand < 32) asm.alu32(operation, R.a, operand);
			else asm.alu32('mov', R.a, 0);
			return;
		}
		const small = asm.label('small');
		const done = asm.label('done');
		asm.jump32('lt', R.x, 32, small);
		asm.alu32('mov', R.a, 0);
		asm.jump(done);
		asm.place(small);
		asm.alu32(operation, R.a, operand);
		asm.place(done);
	}

	private jump(instruction: ClassicInstruction, index: number): void {
		const { asm } = this;
		const target = (distance: number) => this.labels[index + 1 + distance] as Label;
		if (operationOf(instruction) === JMP.ja) return asm.jump(target(instruction.k));
		const { jt, jf } = instruction;
		const condition = CONDITIONS[operationOf(instruction)] as (typeof CONDITIONS)[number];
		const operand: Operand = usesX(instruction) ? reg(R.x) : instruction.k;
		if (jt === jf) return asm.jump(target(jt));
		if (jt === 0 && condition.fails) return asm.jump32(condition.fails, R.a, operand, target(jf));
		asm.jump32(condition.holds, R.a, operand, target(jt));
		if (jf !== 0 || !this.live.has(index + 1)) asm.jump(target(jf));
	}

	private return(instruction: ClassicInstruction): void {
		const { asm } = this;
		if ((instruction.code & 0x18) !== RETURN_A)
			return asm.jump(instruction.k === 0 ? this.reject : this.accept);
		asm.jump32('eq', R.a, 0, this.reject);
		asm.jump(this.accept);
	}

	private epilogue(): void {
		const { asm } = this;
		if (asm.isTarget(this.accept)) {
			asm.place(this.accept);
			asm.alu64('mov', 1, reg(R.context));
			asm.loadMap(2, 'programs');
			asm.alu64('mov', 3, 0);
			asm.call(HELPER.tailCall, 'bpf_tail_call'); // to the tap; does not come back
			this.goOn();
		}
		if (!asm.isTarget(this.reject)) return;
		asm.place(this.reject);
		this.countFiltered();
		this.goOn();
	}

	private goOn(): void {
		this.asm.alu32('mov', 0, GO_ON[this.target.hook]);
		this.asm.exit();
	}

	/** The frame is seen and filtered: the tap will not hear of it. */
	private countFiltered(): void {
		const { asm } = this;
		const { seen, filtered } = CountersLayout.fields;
		const none = asm.label('no counters');
		asm.store(4, R.frame, FrameAccess.mapKey, this.target.tap);
		asm.loadMap(1, 'counters');
		asm.alu64('mov', 2, reg(R.frame));
		asm.alu64('add', 2, FrameAccess.mapKey);
		asm.call(HELPER.mapLookup, 'bpf_map_lookup_elem');
		asm.jump64('eq', 0, 0, none);
		this.segments();
		for (const { offset } of [seen, filtered]) {
			this.addTo(offset, 2);
			this.addTo(offset + 8, R.length);
		}
		asm.place(none);
	}

	/** r2 = frames on the wire, as gso_segments() in bpf/frame.h has it. */
	private segments(): void {
		const { asm } = this;
		const known = asm.label('known');
		asm.alu64('mov', 2, 1);
		if (this.target.hook === 'xdp') return;
		asm.load(1, 4, R.context, SKB.gsoSize);
		asm.jump64('eq', 1, 0, known);
		asm.load(2, 4, R.context, SKB.gsoSegs);
		asm.jump64('ne', 2, 0, known);
		asm.alu64('mov', 2, 1);
		asm.load(3, 4, R.context, SKB.len);
		asm.jump64('le', 3, 54, known);
		asm.alu64('add', 3, reg(1));
		asm.alu64('sub', 3, 55);
		asm.alu32('div', 3, reg(1));
		asm.alu64('mov', 2, reg(3));
		asm.place(known);
	}

	private addTo(offset: number, value: 2 | 9): void {
		this.asm.load(3, 8, 0, offset);
		this.asm.alu64('add', 3, reg(value));
		this.asm.store(8, 0, offset, reg(3));
	}
}

/**
 * The program that runs in front of a tap: it tail-calls the tap on a match, and counts the frame as
 * filtered otherwise.
 * @throws XspanError filter_has_loop; Assembler.encode() filter_too_large
 */
export function translate(program: readonly ClassicInstruction[], target: FilterTarget): Assembler {
	refuseLoops(program);
	return new Translator(program, target).translate();
}
