/** What the kernel told this process of the machine: its auxiliary vector, getauxval(3). */
import { readFileSync } from 'node:fs';
import { endianness } from 'node:os';

export interface MachineConstants {
	pageBytes: number;
	/** USER_HZ: the unit of times in /proc/stat. */
	ticksPerSecond: number;
}

/** include/uapi/linux/auxvec.h */
const AT_PAGESZ = 6n;
const AT_CLKTCK = 17n;

const USUAL: MachineConstants = { pageBytes: 4096, ticksPerSecond: 100 };

/** Pairs of 64-bit words, as /proc/self/auxv has them on 64-bit machines. */
export function parseAuxiliaryVector(vector: Buffer, byteOrder: 'LE' | 'BE'): MachineConstants {
	const found = { ...USUAL };
	const word = (at: number): bigint =>
		byteOrder === 'LE' ? vector.readBigUInt64LE(at) : vector.readBigUInt64BE(at);
	for (let at = 0; at + 16 <= vector.length; at += 16) {
		if (word(at) === AT_PAGESZ) found.pageBytes = Number(word(at + 8));
		if (word(at) === AT_CLKTCK) found.ticksPerSecond = Number(word(at + 8));
	}
	return found;
}

let constants: MachineConstants | undefined;

export function machineConstants(): MachineConstants {
	constants ??= parseAuxiliaryVector(readFileSync('/proc/self/auxv'), endianness());
	return constants;
}
