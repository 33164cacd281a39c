/** Classic BPF, as libpcap compiles it (net/bpf.h): what it is, and as text for people. */

import type { ClassicInstruction } from '../native.ts';

export type { ClassicInstruction };

/** code & 0x07 */
export const CLASS = { ld: 0, ldx: 1, st: 2, stx: 3, alu: 4, jmp: 5, ret: 6, misc: 7 } as const;
/** code & 0xe0 of loads */
export const MODE = { imm: 0x00, abs: 0x20, ind: 0x40, mem: 0x60, len: 0x80, msh: 0xa0 } as const;
/** code & 0xf0 of ALU */
export const ALU = {
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
} as const;
/** code & 0xf0 of jumps */
export const JMP = { ja: 0x00, jeq: 0x10, jgt: 0x20, jge: 0x30, jset: 0x40 } as const;
/** code & 0x08: the operand is X, otherwise k */
export const OPERAND_X = 0x08;
/** code & 0x18 of returns: A, otherwise k */
export const RETURN_A = 0x10;
/** code & 0xf8 of misc: A = X, otherwise X = A */
export const TXA = 0x80;

export const classOf = (instruction: ClassicInstruction): number => instruction.code & 0x07;
export const modeOf = (instruction: ClassicInstruction): number => instruction.code & 0xe0;
export const operationOf = (instruction: ClassicInstruction): number => instruction.code & 0xf0;
export const usesX = (instruction: ClassicInstruction): boolean =>
	(instruction.code & OPERAND_X) !== 0;

/** Bytes that a load reads. */
export function sizeOf(instruction: ClassicInstruction): 1 | 2 | 4 {
	const size = instruction.code & 0x18;
	return size === 0x08 ? 2 : size === 0x10 ? 1 : 4;
}

const nameOf = (names: Record<string, number>, value: number): string =>
	Object.entries(names).find(([, each]) => each === value)?.[0] ?? `?${value}`;

function loadText(instruction: ClassicInstruction): string {
	const { k } = instruction;
	const name = classOf(instruction) === CLASS.ldx ? 'ldx' : 'ld';
	const suffix = { 1: 'b', 2: 'h', 4: '' }[sizeOf(instruction)];
	switch (modeOf(instruction)) {
		case MODE.abs:
			return `${name}${suffix} [${k}]`;
		case MODE.ind:
			return `${name}${suffix} [x + ${k}]`;
		case MODE.mem:
			return `${name} M[${k}]`;
		case MODE.len:
			return `${name} #pktlen`;
		case MODE.msh:
			return `ldxb 4*([${k}]&0xf)`;
		default:
			return `${name} #0x${k.toString(16)}`;
	}
}

function jumpText(instruction: ClassicInstruction, index: number): string {
	const operation = nameOf(JMP, operationOf(instruction));
	if (operation === 'ja') return `ja ${index + 1 + instruction.k}`;
	const operand = usesX(instruction) ? 'x' : `#0x${instruction.k.toString(16)}`;
	return `${operation} ${operand} jt ${index + 1 + instruction.jt} jf ${index + 1 + instruction.jf}`;
}

/** One instruction in the notation of `tcpdump -d`. */
export function instructionText(instruction: ClassicInstruction, index: number): string {
	const { k } = instruction;
	switch (classOf(instruction)) {
		case CLASS.st:
			return `st M[${k}]`;
		case CLASS.stx:
			return `stx M[${k}]`;
		case CLASS.alu: {
			const operation = nameOf(ALU, operationOf(instruction));
			if (operation === 'neg') return 'neg';
			return `${operation} ${usesX(instruction) ? 'x' : `#0x${k.toString(16)}`}`;
		}
		case CLASS.jmp:
			return jumpText(instruction, index);
		case CLASS.ret:
			return (instruction.code & 0x18) === RETURN_A ? 'ret a' : `ret #${k}`;
		case CLASS.misc:
			return (instruction.code & 0xf8) === TXA ? 'txa' : 'tax';
		default:
			return loadText(instruction);
	}
}
