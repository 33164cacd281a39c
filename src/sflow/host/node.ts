/** virt_node (2100): what a host has for the containers and namespaces in it. */
import { begin, CounterRecord, end } from '../structures.ts';
import type { XdrWriter } from '../xdr.ts';
import type { CpuCounters } from './cpu.ts';
import type { MemoryCounters } from './memory.ts';

/** domains: containers and namespaces that are data sources. */
export function writeNode(
	xdr: XdrWriter,
	cpu: CpuCounters,
	memory: MemoryCounters,
	domains: number,
): void {
	const lengthAt = begin(xdr, CounterRecord.virtualNode);
	xdr.u32(cpu.speedMhz);
	xdr.u32(cpu.times.processors);
	xdr.u64(BigInt(memory.total));
	xdr.u64(BigInt(memory.free));
	xdr.u32(domains);
	end(xdr, lengthAt);
}
