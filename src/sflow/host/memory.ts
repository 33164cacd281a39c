/** host_memory (2004). */
import { parseNamed, textOf } from '../proc.ts';
import { begin, CounterRecord, end } from '../structures.ts';
import type { XdrWriter } from '../xdr.ts';
import { machineConstants } from './constants.ts';

/** Sizes in bytes, paging in pages. */
export interface MemoryCounters {
	total: number;
	free: number;
	shared: number;
	buffers: number;
	cached: number;
	swapTotal: number;
	swapFree: number;
	pageIn: number;
	pageOut: number;
	swapIn: number;
	swapOut: number;
}

const KIB = 1024;

/**
 * From /proc/meminfo, which is in KiB, and /proc/vmstat, which counts swapped pages but KiB that
 * were paged (pgpgin, pgpgout).
 */
export function parseMemory(meminfo: string, vmstat: string, pageBytes: number): MemoryCounters {
	const sizes = parseNamed(meminfo);
	const events = parseNamed(vmstat);
	const bytes = (name: string): number => (sizes.get(name) ?? 0) * KIB;
	const pages = (name: string): number => Math.floor(((events.get(name) ?? 0) * KIB) / pageBytes);
	return {
		total: bytes('MemTotal'),
		free: bytes('MemFree'),
		shared: bytes('Shmem'),
		buffers: bytes('Buffers'),
		// Slab memory that is given back on demand is cache: dentries and inodes.
		cached: bytes('Cached') + bytes('SReclaimable'),
		swapTotal: bytes('SwapTotal'),
		swapFree: bytes('SwapFree'),
		pageIn: pages('pgpgin'),
		pageOut: pages('pgpgout'),
		swapIn: events.get('pswpin') ?? 0,
		swapOut: events.get('pswpout') ?? 0,
	};
}

export const readMemory = (): MemoryCounters =>
	parseMemory(
		textOf('/proc/meminfo') ?? '',
		textOf('/proc/vmstat') ?? '',
		machineConstants().pageBytes,
	);

export function writeMemory(xdr: XdrWriter, memory: MemoryCounters): void {
	const lengthAt = begin(xdr, CounterRecord.hostMemory);
	xdr.u64(BigInt(memory.total));
	xdr.u64(BigInt(memory.free));
	xdr.u64(BigInt(memory.shared));
	xdr.u64(BigInt(memory.buffers));
	xdr.u64(BigInt(memory.cached));
	xdr.u64(BigInt(memory.swapTotal));
	xdr.u64(BigInt(memory.swapFree));
	xdr.u32(memory.pageIn);
	xdr.u32(memory.pageOut);
	xdr.u32(memory.swapIn);
	xdr.u32(memory.swapOut);
	end(xdr, lengthAt);
}
