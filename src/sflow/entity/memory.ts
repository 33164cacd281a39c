/** virt_memory (2102): what a container uses of the memory. */
import { totalmem } from 'node:os';
import { begin, CounterRecord, end } from '../structures.ts';
import type { XdrWriter } from '../xdr.ts';
import type { ReadGroupFile } from './control-group.ts';

export interface VirtualMemory {
	/** With the page cache that is charged to it. */
	bytes: bigint;
	/** Its limit; without one, what the machine has. */
	mostBytes: bigint;
}

/** "max" of version 2; version 1 has a number that no machine reaches. */
function limit(text: string | undefined): bigint {
	const machine = BigInt(totalmem());
	if (text === undefined || !/^\d+$/.test(text)) return machine;
	const bytes = BigInt(text);
	return bytes < machine ? bytes : machine;
}

/** Null: not known. */
export function readVirtualMemory(read: ReadGroupFile): VirtualMemory | null {
	const used = read('', 'memory.current') ?? read('memory', 'memory.usage_in_bytes');
	if (used === undefined) return null;
	const most = read('', 'memory.max') ?? read('memory', 'memory.limit_in_bytes');
	return { bytes: BigInt(used), mostBytes: limit(most) };
}

export function writeVirtualMemory(xdr: XdrWriter, memory: VirtualMemory): void {
	const lengthAt = begin(xdr, CounterRecord.virtualMemory);
	xdr.u64(memory.bytes);
	xdr.u64(memory.mostBytes);
	end(xdr, lengthAt);
}
