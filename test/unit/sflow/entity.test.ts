/** The structures of containers and namespaces: every field at a value of its own, through the decoder. */
import { cpus, totalmem } from 'node:os';
import { describe, expect, test } from 'vitest';
import { writeCounterSample } from '../../../src/sflow/counter-sample.ts';
import { DataSource } from '../../../src/sflow/data-source.ts';
import { DATAGRAM_MOST, DatagramAssembler } from '../../../src/sflow/datagram.ts';
import { parseHierarchies, type ReadGroupFile } from '../../../src/sflow/entity/control-group.ts';
import { readVirtualCpu } from '../../../src/sflow/entity/cpu.ts';
import { readVirtualDisk } from '../../../src/sflow/entity/disk.ts';
import { readVirtualMemory } from '../../../src/sflow/entity/memory.ts';
import { entityUuid, nameBasedUuid } from '../../../src/sflow/entity/uuid.ts';
import { type EntityCounters, entityRecords, hostIfIndex } from '../../../src/sflow/entity.ts';
import { ADAPTERS_MOST } from '../../../src/sflow/host/adapters.ts';
import { parseSnmp } from '../../../src/sflow/host/mib.ts';
import { LOGICAL_INDEX, LogicalSources } from '../../../src/sflow/logical-sources.ts';
import type { LogicalEntity } from '../../../src/topology/entities.ts';
import { link } from '../../harness/links.ts';
import { counters, decode } from '../../harness/sflow.ts';

const MAC = Buffer.from('020000000001', 'hex');

const ENTITY: EntityCounters = {
	description: {
		hostname: 'web',
		uuid: Buffer.from('3d1219c7c4c5404aaa1f6d2a48adfda4', 'hex'),
		machineType: 3,
		osRelease: '6.18.0',
	},
	adapters: [{ ifIndex: 7, mac: MAC }],
	cpu: { paused: false, timeMs: 2 ** 32 + 11.7, processors: 12 },
	memory: { bytes: 2n ** 40n, mostBytes: 2n ** 41n },
	disk: { reads: 21, bytesRead: 2n ** 42n, writes: 23, bytesWritten: 2n ** 43n },
	network: {
		received: { bytes: 31n, packets: 32, errors: 33, dropped: 34 },
		sent: { bytes: 35n, packets: 36, errors: 37, dropped: 38 },
	},
	mib: parseSnmp('Ip: Forwarding\nIp: 2\n'),
};

function decoded(entity: EntityCounters) {
	const sent: string[] = [];
	const assembler = new DatagramAssembler({
		agent: new Uint8Array(16),
		subAgent: 0,
		uptimeMs: () => 0,
		send: ({ bytes }) => void sent.push(bytes.toString('hex')),
	});
	const source = new DataSource(3, 123_456);
	assembler.add((xdr) => writeCounterSample(xdr, source, true, entityRecords(entity)));
	assembler.flush();
	const datagrams = decode(sent);
	const [sample] = counters(datagrams);
	return { length: datagrams[0]?.length, source: sample?.source, records: sample?.records };
}

test('every field', () => {
	const { source, records } = decoded(ENTITY);
	expect(source).toEqual({ class: 3, index: 123_456 });
	expect(records).toMatchObject({
		host_descr: { hostname: 'web', uuid: '3d1219c7-c4c5-404a-aa1f-6d2a48adfda4', os_name: 2 },
		host_adapters: { adapters: [{ ifIndex: 7, mac_address: ['02:00:00:00:00:01'] }] },
		host_parent: { container_type: 2, container_index: 1 },
		virt_cpu: { state: 1, cpuTime: 11, nrVirtCpu: 12 },
		virt_memory: { memory: 2 ** 40, maxMemory: 2 ** 41 },
		virt_disk_io: {
			...{ capacity: 2 ** 64, allocation: 2 ** 64, available: 2 ** 64 },
			...{ rd_req: 21, rd_bytes: 2 ** 42, wr_req: 23, wr_bytes: 2 ** 43, errs: 0xffffffff },
		},
		virt_net_io: {
			...{ rx_bytes: 31, rx_packets: 32, rx_errs: 33, rx_drop: 34 },
			...{ tx_bytes: 35, tx_packets: 36, tx_errs: 37, tx_drop: 38 },
		},
		mib2_ip_group: { ipForwarding: 2 },
	});
});

test('a container that is paused', () => {
	const cpu = { paused: true, timeMs: 1, processors: 1 };
	expect(decoded({ ...ENTITY, cpu }).records?.['virt_cpu']).toMatchObject({ state: 3 });
});

test('what is not known is left out', () => {
	const { records } = decoded({ ...ENTITY, cpu: null, memory: null, disk: null, mib: new Map() });
	expect(Object.keys(records ?? {})).toEqual([
		...['host_descr', 'host_adapters', 'host_parent', 'virt_net_io'],
	]);
});

test('the largest one fits into one datagram', () => {
	const { length } = decoded({
		...ENTITY,
		description: { ...ENTITY.description, hostname: 'x'.repeat(100), osRelease: 'y'.repeat(50) },
		adapters: Array.from({ length: ADAPTERS_MOST }, () => ({ ifIndex: 7, mac: MAC })),
	});
	expect(length).toBeLessThanOrEqual(DATAGRAM_MOST);
});

const group =
	(files: Record<string, string>): ReadGroupFile =>
	(controller, file) =>
		files[`${controller}/${file}`];

describe('control groups of version 2', () => {
	test('processors', () => {
		const files = {
			'/cpu.stat': 'usage_usec 1234567\nuser_usec 9\n',
			'/cgroup.events': 'frozen 0',
		};
		expect(readVirtualCpu(group(files))).toEqual({
			paused: false,
			timeMs: 1234.567,
			processors: cpus().length,
		});
		const most = (more: Record<string, string>) =>
			readVirtualCpu(group({ ...files, ...more }))?.processors;
		expect(most({ '/cpu.max': 'max 100000' })).toBe(cpus().length);
		expect(most({ '/cpu.max': '50000 100000' })).toBe(1);
		expect(most({ '/cpuset.cpus.effective': '0-2,8' })).toBe(4);
		expect(most({ '/cpuset.cpus.effective': '0-7', '/cpu.max': '210000 100000' })).toBe(3);
		const frozen = group({ ...files, '/cgroup.events': 'populated 1\nfrozen 1' });
		expect(readVirtualCpu(frozen)?.paused).toBe(true);
	});

	test('memory', () => {
		const memory = (max: string) =>
			readVirtualMemory(group({ '/memory.current': '1000', '/memory.max': max }));
		expect(memory('2000')).toEqual({ bytes: 1000n, mostBytes: 2000n });
		expect(memory('max')).toEqual({ bytes: 1000n, mostBytes: BigInt(totalmem()) });
	});

	test('disks, without what lies on them', () => {
		const text =
			'8:0 rbytes=10 wbytes=200 rios=3 wios=4 dbytes=5 dios=6\n253:0 rbytes=10 wbytes=200 rios=3 wios=4\n259:0 rbytes=18446744073709551615 wbytes=1 rios=1 wios=1\n8:16 \n';
		expect(readVirtualDisk(group({ '/io.stat': text }), new Set(['8:0', '259:0']))).toEqual({
			reads: 4,
			bytesRead: 2n ** 64n + 9n,
			writes: 5,
			bytesWritten: 201n,
		});
		expect(readVirtualDisk(group({ '/io.stat': '' }), new Set())).toMatchObject({ reads: 0 });
	});
});

describe('control groups of version 1', () => {
	test('processors', () => {
		const files = {
			'cpuacct/cpuacct.usage': '1234567890',
			'cpu/cpu.cfs_quota_us': '-1',
			'cpu/cpu.cfs_period_us': '100000',
			'freezer/freezer.state': 'FROZEN',
		};
		expect(readVirtualCpu(group(files))).toEqual({
			paused: true,
			timeMs: 1234.56789,
			processors: cpus().length,
		});
		const limited = group({
			...files,
			'cpu/cpu.cfs_quota_us': '150000',
			'cpuset/cpuset.effective_cpus': '0-5',
		});
		expect(readVirtualCpu(limited)?.processors).toBe(2);
	});

	test('memory', () => {
		const memory = (limit: string) =>
			readVirtualMemory(
				group({ 'memory/memory.usage_in_bytes': '1000', 'memory/memory.limit_in_bytes': limit }),
			);
		expect(memory('2000')).toEqual({ bytes: 1000n, mostBytes: 2000n });
		expect(memory('9223372036854771712')?.mostBytes).toBe(BigInt(totalmem()));
	});

	test('disks', () => {
		const requests = '8:0 Read 3\n8:0 Write 4\n8:0 Sync 1\n8:0 Total 7\n253:0 Read 3\nTotal 10\n';
		const bytes = '8:0 Read 30\n8:0 Write 40\n8:0 Discard 9\nTotal 79\n';
		const files = {
			'blkio/blkio.throttle.io_serviced': requests,
			'blkio/blkio.throttle.io_service_bytes': bytes,
		};
		const disks = new Set(['8:0']);
		const sum = { reads: 3, bytesRead: 30n, writes: 4, bytesWritten: 40n };
		expect(readVirtualDisk(group(files), disks)).toEqual(sum);
		const within = {
			'blkio/blkio.throttle.io_serviced_recursive': '8:0 Read 5\n',
			'blkio/blkio.throttle.io_service_bytes_recursive': '8:0 Read 50\n',
		};
		expect(readVirtualDisk(group({ ...files, ...within }), disks)).toMatchObject({
			reads: 5,
			bytesRead: 50n,
		});
	});

	test('disks, by whichever policy counts', () => {
		const unused = {
			'blkio/blkio.throttle.io_serviced_recursive': 'Total 0\n',
			'blkio/blkio.throttle.io_service_bytes_recursive': 'Total 0\n',
		};
		const disks = new Set(['8:0']);
		expect(readVirtualDisk(group(unused), disks)).toBeNull();
		const files = {
			...unused,
			'blkio/blkio.bfq.io_serviced_recursive': '8:0 Read 5\n8:0 Write 6\n',
			'blkio/blkio.bfq.io_service_bytes_recursive': '8:0 Read 50\n8:0 Write 60\n',
		};
		const sum = { reads: 5, bytesRead: 50n, writes: 6, bytesWritten: 60n };
		expect(readVirtualDisk(group(files), disks)).toEqual(sum);
	});
});

test('without a control group of its own nothing is known', () => {
	const none = group({});
	expect([readVirtualCpu(none), readVirtualMemory(none), readVirtualDisk(none, new Set())]).toEqual(
		[null, null, null],
	);
});

test('where hierarchies are mounted', () => {
	const mounts = `tmpfs /sys/fs/cgroup tmpfs rw 0 0
cgroup /sys/fs/cgroup/cpu,cpuacct cgroup rw,relatime,cpu,cpuacct 0 0
cgroup2 /sys/fs/cgroup/unified cgroup2 rw 0 0
`;
	const points = parseHierarchies(mounts);
	expect(points.get('cpuacct')).toBe('/sys/fs/cgroup/cpu,cpuacct');
	expect(points.get('')).toBe('/sys/fs/cgroup/unified');
	expect(points.get('memory')).toBeUndefined();
});

describe('uuid', () => {
	const host = Buffer.alloc(16, 1);

	test('of a container: the beginning of its id', () => {
		const id = '0123456789abcdef'.repeat(4);
		expect(Buffer.from(entityUuid(id, host)).toString('hex')).toBe(id.slice(0, 32));
	});

	test('of a name: that of its host, in the form of RFC 4122, version 5', () => {
		// uuid5(NAMESPACE_DNS, "python.org") of Python's documentation
		const dns = Buffer.from('6ba7b8109dad11d180b400c04fd430c8', 'hex');
		expect(Buffer.from(nameBasedUuid(dns, 'python.org')).toString('hex')).toBe(
			'886313e13b8a53729b900c9aee199e5d',
		);
		expect(entityUuid('netns:blue', host)).toEqual(nameBasedUuid(host, 'netns:blue'));
		expect(entityUuid('web', host)).not.toEqual(entityUuid('web', Buffer.alloc(16, 2)));
	});
});

describe('indexes', () => {
	const { first, end } = LOGICAL_INDEX;
	const uuid = (start: number): Uint8Array => {
		const bytes = Buffer.alloc(16);
		bytes.writeUInt32BE(start);
		return bytes;
	};

	const entity = (id: string, netns = 1): LogicalEntity => ({
		...{ id, name: id, netns, path: '/proc/42/ns/net', pid: 42 },
	});

	test('come from the uuid; of two that would have the same, the second has the next', () => {
		const sources = new LogicalSources();
		expect(sources.start(entity('a'), uuid(end - first - 1))?.index).toBe(end - 1);
		expect(sources.start(entity('b'), uuid(end - first - 1))?.index).toBe(first);
		expect(sources.start(entity('c'), uuid(50_007))?.index).toBe(first + 7);
	});

	test('stay; a sequence begins anew where the counters do', () => {
		const sources = new LogicalSources();
		const a = sources.start(entity('a'), uuid(5)) as DataSource;
		a.counterSequence = 9;
		expect(sources.start(entity('a'), uuid(5))).toBe(a);
		expect(a.counterSequence).toBe(9);
		expect(sources.start(entity('a', 2), uuid(5))).toBe(a);
		expect(a.counterSequence).toBe(0);
		expect(sources.count).toBe(1);
		a.counterSequence = 9;
		expect(sources.stop('a')).toBe(a);
		expect(sources.stop('a')).toBeNull();
		expect(sources.count).toBe(0);
		expect(sources.start(entity('b'), uuid(5))?.index).toBe(first + 6);
		expect(sources.start(entity('a', 2), uuid(5))).toBe(a);
		expect(a.counterSequence).toBe(0);
	});

	test('are enough for all that come and go; those that are there keep theirs', () => {
		const sources = new LogicalSources();
		const stays = sources.start(entity('stays'), uuid(0));
		for (let i = 1; i < end - first; i++) {
			sources.start(entity(`${i}`), uuid(i));
			sources.stop(`${i}`);
		}
		expect(sources.start(entity('new'), uuid(0))?.index).toBe(first + 1);
		expect(sources.start(entity('stays'), uuid(0))).toBe(stays);
	});
});

test('the index of an interface is that of its end in the host, if that is here', () => {
	const eth0 = link('eth0', 2, { kind: 'veth', link: 7, linkNetnsid: 0 });
	expect(hostIfIndex(eth0, 0)).toBe(7);
	expect(hostIfIndex(eth0, 1)).toBe(0);
	expect(hostIfIndex({ ...eth0, linkNetnsid: -1 }, -1)).toBe(0);
	expect(hostIfIndex(link('a', 2, { kind: 'veth', link: 3 }), 0)).toBe(0);
	expect(hostIfIndex({ ...eth0, kind: 'macvlan' }, 0)).toBe(0);
});
