/** Every parser against text of a kernel, by hand. */
import { describe, expect, test } from 'vitest';
import { adaptersOf } from '../../../../src/sflow/host/adapters.ts';
import { parseAuxiliaryVector } from '../../../../src/sflow/host/constants.ts';
import { parseCpuTimes, parseLoadAverage, parseSpeedMhz } from '../../../../src/sflow/host/cpu.ts';
import { machineType, parseUuid } from '../../../../src/sflow/host/description.ts';
import {
	parseDiskNumbers,
	parseDiskTransfers,
	parseMountPoints,
	sumSpace,
	wholeDisks,
} from '../../../../src/sflow/host/disk.ts';
import { parseMemory } from '../../../../src/sflow/host/memory.ts';
import { parseSnmp } from '../../../../src/sflow/host/mib.ts';
import { sumNetwork } from '../../../../src/sflow/host/network.ts';
import type { Link } from '../../../../src/topology/links.ts';
import { link, statistics } from '../../../harness/links.ts';

test('load average, without the one that reads it', () => {
	expect(parseLoadAverage('0.20 1.18 10.12 3/808 11206\n')).toEqual({
		one: 0.2,
		five: 1.18,
		fifteen: 10.12,
		running: 2,
		total: 808,
	});
});

describe('/proc/stat', () => {
	const STAT = `cpu  10132153 290696 3084719 46828483 16683 0 25195 175628 1 2
cpu0 1393280 32966 572056 13343292 6130 0 17875 0 0 0
cpu1 1335794 28934 541903 13500000 6000 0 7000 0 0 0
cpu10 1 0 0 0 0 0 0 0 0 0
intr 199292 125 0
ctxt 1990473
btime 1062191376
`;

	test('times are in ms', () => {
		expect(parseCpuTimes(STAT, 100)).toEqual({
			user: 101_321_530,
			nice: 2_906_960,
			system: 30_847_190,
			idle: 468_284_830,
			wio: 166_830,
			intr: 0,
			sintr: 251_950,
			steal: 1_756_280,
			guest: 10,
			guestNice: 20,
			processors: 3,
			interrupts: 199_292,
			contexts: 1_990_473,
		});
	});

	test('whatever the clock ticks', () => {
		expect(parseCpuTimes(STAT, 1000).user).toBe(10_132_153);
		expect(parseCpuTimes('cpu  1 2 3 4\n', 100).steal).toBe(0);
	});
});

test('processor speed', () => {
	expect(parseSpeedMhz('model name\t: X\ncpu MHz\t\t: 2593.906\ncpu MHz\t\t: 1000.0\n')).toBe(2594);
	expect(parseSpeedMhz('processor\t: 0\nBogoMIPS\t: 50.00\n')).toBe(0);
});

test('memory: bytes and pages', () => {
	const meminfo = `MemTotal:       24684084 kB
MemFree:        23965548 kB
MemAvailable:   24252500 kB
Buffers:            8388 kB
Cached:           464876 kB
SwapCached:            7 kB
SwapTotal:       1000000 kB
SwapFree:         999999 kB
Shmem:             12880 kB
SReclaimable:     100000 kB
HugePages_Total:       0
`;
	const vmstat = 'nr_free_pages 5\npgpgin 894600\npgpgout 385030\npswpin 11\npswpout 12\n';
	expect(parseMemory(meminfo, vmstat, 4096)).toEqual({
		total: 25_276_502_016,
		free: 24_540_721_152,
		shared: 13_189_120,
		buffers: 8_589_312,
		cached: 578_433_024,
		swapTotal: 1_024_000_000,
		swapFree: 1_023_998_976,
		pageIn: 223_650,
		pageOut: 96_257,
		swapIn: 11,
		swapOut: 12,
	});
	expect(parseMemory('', vmstat, 65_536).pageIn).toBe(13_978);
});

describe('disks', () => {
	test('partitions and what lies on other devices are not disks', () => {
		const names = ['sda', 'nvme0n1', 'vda', 'cciss!c0d0', 'loop0', 'dm-0', 'md127', 'sr0', 'zram0'];
		expect([...wholeDisks(names)]).toEqual(['sda', 'nvme0n1', 'vda', 'cciss/c0d0']);
	});

	test('/proc/diskstats counts sectors of 512 bytes', () => {
		const text = `   8       0 sda 100 1 2000 30 400 5 6000 70 0 80 100 0 0 0 0 0 0
   8       1 sda1 90 1 1900 30 400 5 6000 70 0 80 100
 259       0 nvme0n1 1 0 18446744073709551 2 3 0 4 5 0 6 7
 253       0 dm-0 90 1 1900 30 400 5 6000 70 0 80 100
`;
		expect(parseDiskTransfers(text, new Set(['sda', 'nvme0n1']))).toEqual({
			reads: 101,
			bytesRead: (2000n + 18_446_744_073_709_551n) * 512n,
			readMs: 32,
			writes: 403,
			bytesWritten: 6004n * 512n,
			writeMs: 75,
		});
	});

	test('numbers, by which control groups know them', () => {
		const text =
			'   8       0 sda 100\n   8       1 sda1 90\n 259       0 nvme0n1 1\n 253 0 dm-0 9\n';
		expect([...parseDiskNumbers(text, new Set(['sda', 'nvme0n1']))]).toEqual(['8:0', '259:0']);
	});

	test('each device once, if it can be written to', () => {
		const text = `/dev/sda1 / ext4 rw,relatime 0 0
proc /proc proc rw 0 0
/dev/sda1 /var/lib/docker ext4 rw,relatime 0 0
/dev/sdb1 /media/a\\040b vfat rw 0 0
/dev/loop0 /snap/x squashfs ro,nodev 0 0
server:/x /mnt nfs rw 0 0
`;
		expect(parseMountPoints(text)).toEqual(['/', '/media/a b']);
	});

	test('space, and the fullest', () => {
		const half = { blockBytes: 4096n, blocks: 1000n, free: 550n, available: 450n };
		const tenth = { blockBytes: 1024n, blocks: 100n, free: 90n, available: 90n };
		const pseudo = { blockBytes: 4096n, blocks: 0n, free: 0n, available: 0n };
		expect(sumSpace([tenth, half, pseudo])).toEqual({
			totalBytes: 4_198_400n,
			freeBytes: 1_935_360n,
			mostUsed: 5000,
		});
	});
});

describe('traffic of the host', () => {
	const counted = (name: string, ifindex: number, bytes: bigint, more: Partial<Link> = {}) =>
		link(name, ifindex, {
			...more,
			statistics: statistics({
				...{ rxBytes: bytes, rxFrames: 1, rxErrors: 2, rxDropped: 1, rxMissed: 2 },
				...{ txBytes: bytes * 2n, txFrames: 1, txErrors: 2, txDropped: 3 },
			}),
		});
	const virtual = [
		counted('lo', 1, 1n, { arpType: 772 }),
		counted('br0', 4, 1000n, { kind: 'bridge' }),
		counted('veth1', 5, 10_000n, { kind: 'veth' }),
	];

	test('is that of its hardware', () => {
		const hardware = [counted('eth0', 2, 10n), counted('eth1', 3, 100n), link('new', 9)];
		expect(sumNetwork([...virtual, ...hardware])).toEqual({
			received: { bytes: 110n, packets: 2, errors: 4, dropped: 6 },
			sent: { bytes: 220n, packets: 2, errors: 4, dropped: 6 },
		});
	});

	test('is that of what it has, in a container', () => {
		expect(sumNetwork(virtual).received.bytes).toBe(11_000n);
	});
});

test('adapters: hardware first, no loopback, each with its address', () => {
	const links = [
		link('lo', 1, { arpType: 772, address: '00:00:00:00:00:00' }),
		link('veth1', 2, { kind: 'veth', address: '02:00:00:00:00:02' }),
		link('tun0', 3, { kind: 'tun', arpType: 65_534, address: '' }),
		link('eth0', 4, { address: '52:54:00:12:34:56' }),
	];
	expect(adaptersOf(links)).toEqual([
		{ ifIndex: 4, mac: Buffer.from('525400123456', 'hex') },
		{ ifIndex: 2, mac: Buffer.from('020000000002', 'hex') },
	]);
	const many = Array.from({ length: 300 }, (_, i) => link(`veth${i}`, i + 10, { kind: 'veth' }));
	expect(adaptersOf([...many, ...links])).toHaveLength(30);
	expect(adaptersOf([...many, ...links])[0]?.ifIndex).toBe(4);
});

test('MIB counters by their names, in whatever order the kernel has them', () => {
	const counters = parseSnmp(
		'Ip: Forwarding New InReceives\nIp: 2 9 7\nTcp: MaxConn CurrEstab\nTcp: -1 3\n',
	);
	expect([...counters]).toEqual([
		['Ip.Forwarding', 2],
		['Ip.New', 9],
		['Ip.InReceives', 7],
		['Tcp.MaxConn', -1],
		['Tcp.CurrEstab', 3],
	]);
});

test('uuid', () => {
	const hex = '3d1219c7c4c5404aaa1f6d2a48adfda4';
	expect(parseUuid(`${hex}\n`)).toEqual(Buffer.from(hex, 'hex'));
	expect(parseUuid('3D1219C7-C4C5-404A-AA1F-6D2A48ADFDA4')).toEqual(Buffer.from(hex, 'hex'));
	for (const text of ['', 'uninitialized', hex.slice(1), `${hex}00`])
		expect(parseUuid(text)).toBeNull();
});

test('machine type', () => {
	expect(['x64', 'arm64', 's390x', 'riscv64'].map(machineType)).toEqual([3, 10, 12, 1]);
});

test('auxiliary vector', () => {
	const vector = Buffer.alloc(48);
	for (const [i, word] of [6n, 65_536n, 17n, 250n].entries()) vector.writeBigUInt64LE(word, i * 8);
	expect(parseAuxiliaryVector(vector, 'LE')).toEqual({ pageBytes: 65_536, ticksPerSecond: 250 });
	expect(parseAuxiliaryVector(vector.swap64(), 'BE')).toEqual({
		pageBytes: 65_536,
		ticksPerSecond: 250,
	});
});
