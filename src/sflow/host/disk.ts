/** host_disk_io (2005). */
import { readdirSync, statfsSync } from 'node:fs';
import { textOf } from '../proc.ts';
import { begin, CounterRecord, end } from '../structures.ts';
import type { XdrWriter } from '../xdr.ts';

/** Summed over all disks. */
export interface DiskTransfers {
	reads: number;
	bytesRead: bigint;
	readMs: number;
	writes: number;
	bytesWritten: bigint;
	writeMs: number;
}

/** Summed over all file systems. */
export interface DiskSpace {
	totalBytes: bigint;
	freeBytes: bigint;
	/** The fullest one, in hundredths of a percent. */
	mostUsed: number;
}

/** What statfs(2) says of a file system, in its blocks. */
export interface FileSystem {
	blockBytes: bigint;
	blocks: bigint;
	/** Free for anybody, root included. */
	free: bigint;
	/** Free for users. */
	available: bigint;
}

/** /proc/diskstats counts in sectors of 512 bytes, whatever the disk has. */
const SECTOR_BYTES = 512n;

/** Devices on top of others, or of none: what they transfer is counted below, or is no disk's. */
const NOT_A_DISK = /^(loop|ram|zram|dm-|md|sr|fd)\d/;

/** Block devices that are not partitions, as /sys/block names them. */
export function wholeDisks(names: readonly string[]): Set<string> {
	return new Set(
		names.map((name) => name.replaceAll('!', '/')).filter((name) => !NOT_A_DISK.test(name)),
	);
}

/** /proc/diskstats, see Documentation/admin-guide/iostats.rst. */
export function parseDiskTransfers(text: string, disks: ReadonlySet<string>): DiskTransfers {
	const sum = { reads: 0, bytesRead: 0n, readMs: 0, writes: 0, bytesWritten: 0n, writeMs: 0 };
	for (const line of text.split('\n')) {
		const column = line.trim().split(/\s+/);
		if (column.length < 11 || !disks.has(column[2] as string)) continue;
		sum.reads += Number(column[3]);
		sum.bytesRead += BigInt(column[5] as string) * SECTOR_BYTES;
		sum.readMs += Number(column[6]);
		sum.writes += Number(column[7]);
		sum.bytesWritten += BigInt(column[9] as string) * SECTOR_BYTES;
		sum.writeMs += Number(column[10]);
	}
	return sum;
}

/** "8:0", by which control groups know them, from /proc/diskstats. */
export function parseDiskNumbers(text: string, disks: ReadonlySet<string>): Set<string> {
	const rows = text.matchAll(/^\s*(\d+)\s+(\d+)\s+(\S+)/gm);
	const ofDisks = [...rows].filter(([, , , name]) => disks.has(name as string));
	return new Set(ofDisks.map(([, major, minor]) => `${major}:${minor}`));
}

/** One mount point of each block device that can be written to, from /proc/self/mounts. */
export function parseMountPoints(text: string): string[] {
	const points = new Map<string, string>();
	for (const line of text.split('\n')) {
		const [device, point, , options] = line.split(' ');
		if (!device?.startsWith('/dev/') || !point || !options?.split(',').includes('rw')) continue;
		if (!points.has(device)) points.set(device, unescapeOctal(point));
	}
	return [...points.values()];
}

/** Blanks and the like are \040 in there, see getmntent(3). */
const unescapeOctal = (text: string): string =>
	text.replace(/\\([0-7]{3})/g, (_, digits) => String.fromCharCode(Number.parseInt(digits, 8)));

/** Used as df has it: of what users can have, without the blocks reserved for root. */
export function sumSpace(systems: readonly FileSystem[]): DiskSpace {
	const sum = { totalBytes: 0n, freeBytes: 0n, mostUsed: 0 };
	for (const { blockBytes, blocks, free, available } of systems) {
		sum.totalBytes += blocks * blockBytes;
		sum.freeBytes += available * blockBytes;
		const used = blocks - free;
		if (used + available === 0n) continue;
		sum.mostUsed = Math.max(sum.mostUsed, Number((used * 10_000n) / (used + available)));
	}
	return sum;
}

function readFileSystem(mountPoint: string): FileSystem[] {
	try {
		const { bsize, blocks, bfree, bavail } = statfsSync(mountPoint, { bigint: true });
		return [{ blockBytes: bsize, blocks, free: bfree, available: bavail }];
	} catch {
		return []; // unmounted since, or out of reach
	}
}

function blockDevices(): string[] {
	try {
		return readdirSync('/sys/block');
	} catch {
		return [];
	}
}

export const readDiskTransfers = (): DiskTransfers =>
	parseDiskTransfers(textOf('/proc/diskstats') ?? '', wholeDisks(blockDevices()));

export const readDiskNumbers = (): Set<string> =>
	parseDiskNumbers(textOf('/proc/diskstats') ?? '', wholeDisks(blockDevices()));

export const readDiskSpace = (): DiskSpace =>
	sumSpace(parseMountPoints(textOf('/proc/self/mounts') ?? '').flatMap(readFileSystem));

export function writeDisk(xdr: XdrWriter, space: DiskSpace, transfers: DiskTransfers): void {
	const lengthAt = begin(xdr, CounterRecord.hostDisk);
	xdr.u64(space.totalBytes);
	xdr.u64(space.freeBytes);
	xdr.u32(space.mostUsed);
	xdr.u32(transfers.reads);
	xdr.u64(transfers.bytesRead);
	xdr.u32(transfers.readMs);
	xdr.u32(transfers.writes);
	xdr.u64(transfers.bytesWritten);
	xdr.u32(transfers.writeMs);
	end(xdr, lengthAt);
}
