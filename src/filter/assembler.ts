/** An assembler for eBPF (Linux, Documentation/bpf/standardization/instruction-set.rst). */
import { XspanError } from '../errors.ts';

export type Register = 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | 10;
export type Label = symbol;
/** Bytes of a memory access. */
export type Width = 1 | 2 | 4 | 8;

const CLASS = { ldx: 0x01, st: 0x02, stx: 0x03, alu32: 0x04, jmp: 0x05, jmp32: 0x06, alu64: 0x07 };
const SIZE: Record<Width, number> = { 1: 0x10, 2: 0x08, 4: 0x00, 8: 0x18 };
const MEM = 0x60;
const SOURCE_REGISTER = 0x08;

const OPERATION = {
	add: 0x00,
	sub: 0x10,
	mul: 0x20,
	div: 0x30,
	or: 0x40,
	and: 0x50,
	lsh: 0x60,
	rsh: 0x70,
	neg: 0x80,
	mod: 0x90,
	xor: 0xa0,
	mov: 0xb0,
} as const;
export type Operation = keyof typeof OPERATION;

const CONDITION = {
	eq: 0x10,
	gt: 0x20,
	ge: 0x30,
	set: 0x40,
	ne: 0x50,
	sgt: 0x60,
	lt: 0xa0,
	le: 0xb0,
	slt: 0xc0,
} as const;
export type Condition = keyof typeof CONDITION;

/** Maps that a program refers to; the addon puts their descriptors in place of these numbers. */
export const MAP = { counters: 0, programs: 1 } as const;

interface Instruction {
	code: number;
	dst: number;
	src: number;
	offset: number;
	imm: number;
	target?: Label;
	text: string;
}

/** A register, or a number. */
export type Operand = { register: Register } | number;

export const reg = (register: Register): Operand => ({ register });

const operandText = (operand: Operand, letter: string): string =>
	typeof operand === 'number' ? String(operand) : `${letter}${operand.register}`;

const CONDITION_TEXT: Record<Condition, string> = {
	eq: '==',
	gt: '>',
	ge: '>=',
	set: '&',
	ne: '!=',
	sgt: 's>',
	lt: '<',
	le: '<=',
	slt: 's<',
};

/** The 16-bit offset of a jump. */
const FARTHEST = 32_767;

export class Assembler {
	private readonly instructions: Instruction[] = [];
	private readonly labels = new Map<Label, number>();

	/** How many 8-byte instructions there are. */
	get length(): number {
		return this.instructions.length;
	}

	label(name: string): Label {
		return Symbol(name);
	}

	/** The label is the next instruction. */
	place(label: Label): void {
		this.labels.set(label, this.length);
	}

	/** Whether an instruction jumps there. */
	isTarget(label: Label): boolean {
		return this.instructions.some((instruction) => instruction.target === label);
	}

	alu64(operation: Operation, dst: Register, operand: Operand): void {
		this.alu(CLASS.alu64, 'r', operation, dst, operand);
	}

	alu32(operation: Operation, dst: Register, operand: Operand): void {
		this.alu(CLASS.alu32, 'w', operation, dst, operand);
	}

	/** The low bits of dst from network order to this host's. */
	fromNetwork(dst: Register, bits: 16 | 32): void {
		this.emit(CLASS.alu32 | 0xd0 | SOURCE_REGISTER, dst, 0, 0, bits, `r${dst} = be${bits} r${dst}`);
	}

	load(dst: Register, width: Width, base: Register, offset: number): void {
		const text = `r${dst} = *(u${8 * width} *)(r${base} ${signed(offset)})`;
		this.emit(CLASS.ldx | MEM | SIZE[width], dst, base, offset, 0, text);
	}

	store(width: Width, base: Register, offset: number, value: Operand): void {
		const text = `*(u${8 * width} *)(r${base} ${signed(offset)}) = ${operandText(value, 'r')}`;
		if (typeof value === 'number')
			this.emit(CLASS.st | MEM | SIZE[width], base, 0, offset, value, text);
		else this.emit(CLASS.stx | MEM | SIZE[width], base, value.register, offset, 0, text);
	}

	jump(target: Label): void {
		this.emit(CLASS.jmp, 0, 0, 0, 0, 'goto', target);
	}

	jump64(condition: Condition, dst: Register, operand: Operand, target: Label): void {
		this.conditional(CLASS.jmp, 'r', condition, dst, operand, target);
	}

	jump32(condition: Condition, dst: Register, operand: Operand, target: Label): void {
		this.conditional(CLASS.jmp32, 'w', condition, dst, operand, target);
	}

	call(helper: number, name: string): void {
		this.emit(CLASS.jmp | 0x80, 0, 0, 0, helper, `call ${name}`);
	}

	exit(): void {
		this.emit(CLASS.jmp | 0x90, 0, 0, 0, 0, 'exit');
	}

	loadMap(dst: Register, map: keyof typeof MAP): void {
		const pseudoMapFd = 1;
		this.emit(0x18, dst, pseudoMapFd, 0, MAP[map], `r${dst} = map ${map}`);
		this.emit(0, 0, 0, 0, 0, '');
	}

	/** @throws XspanError filter_too_large */
	encode(): Uint8Array {
		const bytes = new Uint8Array(8 * this.length);
		const view = new DataView(bytes.buffer);
		this.instructions.forEach((instruction, index) => {
			view.setUint8(8 * index, instruction.code);
			view.setUint8(8 * index + 1, instruction.dst | (instruction.src << 4));
			view.setInt16(8 * index + 2, this.offsetOf(instruction, index), true);
			view.setInt32(8 * index + 4, instruction.imm | 0, true);
		});
		return bytes;
	}

	/** For people, a line per instruction. */
	listing(): string[] {
		return this.instructions.flatMap(({ text, target }, index) => {
			const to = target === undefined ? '' : ` ${this.labels.get(target)}`;
			return text ? [`${String(index).padStart(4)}  ${text}${to}`] : [];
		});
	}

	private offsetOf(instruction: Instruction, index: number): number {
		if (instruction.target === undefined) return instruction.offset;
		const offset = (this.labels.get(instruction.target) as number) - index - 1;
		if (offset <= FARTHEST) return offset;
		throw new XspanError(
			'unsupported',
			'filter_too_large',
			`the filter takes ${this.length} instructions, which is too many for the kernel`,
			{
				hint: 'shorten the expression: nets instead of hosts, portranges instead of ports',
			},
		);
	}

	private alu(
		kind: number,
		letter: string,
		operation: Operation,
		dst: Register,
		operand: Operand,
	): void {
		const code = kind | OPERATION[operation];
		const text = `${letter}${dst} ${operation} ${operandText(operand, letter)}`;
		if (typeof operand === 'number') this.emit(code, dst, 0, 0, operand, text);
		else this.emit(code | SOURCE_REGISTER, dst, operand.register, 0, 0, text);
	}

	private conditional(
		kind: number,
		letter: string,
		condition: Condition,
		dst: Register,
		operand: Operand,
		target: Label,
	): void {
		const code = kind | CONDITION[condition];
		const text = `if ${letter}${dst} ${CONDITION_TEXT[condition]} ${operandText(operand, letter)} goto`;
		if (typeof operand === 'number') this.emit(code, dst, 0, 0, operand, text, target);
		else this.emit(code | SOURCE_REGISTER, dst, operand.register, 0, 0, text, target);
	}

	private emit(
		code: number,
		dst: number,
		src: number,
		offset: number,
		imm: number,
		text: string,
		target?: Label,
	): void {
		this.instructions.push({ code, dst, src, offset, imm, text, ...(target ? { target } : {}) });
	}
}

const signed = (offset: number): string => (offset < 0 ? `- ${-offset}` : `+ ${offset}`);
