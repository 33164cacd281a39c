/** virt_disk_io (2103): what a container reads from disks and writes to them. */
import { begin, CounterRecord, end, UNKNOWN_COUNTER, UNKNOWN_HYPER } from '../structures.ts';
import type { XdrWriter } from '../xdr.ts';
import type { ReadGroupFile } from './control-group.ts';

/** Summed over all disks. */
export interface VirtualDisk {
	reads: number;
	bytesRead: bigint;
	writes: number;
	bytesWritten: bigint;
}

/** What to add up: of a disk ("8:0"), by the names of io.stat. */
type Entry = [disk: string, name: string, value: string];

/** io.stat: "8:0 rbytes=4096 wbytes=0 rios=1 wios=0 dbytes=0 dios=0" */
const entriesOfIoStat = (text: string): Entry[] =>
	text.split('\n').flatMap((line) => {
		const [disk = '', ...pairs] = line.split(' ');
		return pairs.map((pair): Entry => [disk, ...(pair.split('=') as [string, string])]);
	});

/** blkio.throttle.io_serviced and its like: "8:0 Read 1" */
function entriesOfBlkio(text: string, names: Record<string, string>): Entry[] {
	const rows = text.matchAll(/^(\d+:\d+) (\w+) (\d+)$/gm);
	return [...rows].flatMap(([, disk = '', what = '', value = '']) => {
		const name = names[what];
		return name ? [[disk, name, value] satisfies Entry] : [];
	});
}

/** Both count, each while it is in use; what groups inside the container do is in the recursive ones. */
const POLICIES = ['throttle', 'bfq'].flatMap((policy) =>
	['_recursive', ''].map((suffix) => [`blkio.${policy}.io_service`, suffix] as const),
);

/** Nothing counted looks as nothing transferred: then it is not known. */
function readBlkio(read: ReadGroupFile): Entry[] | undefined {
	for (const [prefix, suffix] of POLICIES) {
		const entries = [
			...entriesOfBlkio(read('blkio', `${prefix}d${suffix}`) ?? '', {
				Read: 'rios',
				Write: 'wios',
			}),
			...entriesOfBlkio(read('blkio', `${prefix}_bytes${suffix}`) ?? '', {
				Read: 'rbytes',
				Write: 'wbytes',
			}),
		];
		if (entries.length > 0) return entries;
	}
	return undefined;
}

/**
 * Null: not known.
 * @param disks numbers of those that count: what lies on them passes them, too
 */
export function readVirtualDisk(
	read: ReadGroupFile,
	disks: ReadonlySet<string>,
): VirtualDisk | null {
	const text = read('', 'io.stat');
	const entries = text === undefined ? readBlkio(read) : entriesOfIoStat(text);
	if (!entries) return null;
	const sum = (wanted: string): bigint =>
		entries
			.filter(([disk, name]) => name === wanted && disks.has(disk))
			.reduce((total, [, , value]) => total + BigInt(value), 0n);
	return {
		reads: Number(sum('rios')),
		bytesRead: sum('rbytes'),
		writes: Number(sum('wios')),
		bytesWritten: sum('wbytes'),
	};
}

export function writeVirtualDisk(xdr: XdrWriter, disk: VirtualDisk): void {
	const lengthAt = begin(xdr, CounterRecord.virtualDisk);
	xdr.u64(UNKNOWN_HYPER); // capacity
	xdr.u64(UNKNOWN_HYPER); // allocation
	xdr.u64(UNKNOWN_HYPER); // available
	xdr.u32(disk.reads);
	xdr.u64(disk.bytesRead);
	xdr.u32(disk.writes);
	xdr.u64(disk.bytesWritten);
	xdr.u32(UNKNOWN_COUNTER); // errs
	end(xdr, lengthAt);
}
