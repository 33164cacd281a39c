/** The structures of this very machine, through the encoder and the decoder, beside other tools. */
import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { writeCounterSample } from '../../../../src/sflow/counter-sample.ts';
import { DatagramAssembler } from '../../../../src/sflow/datagram.ts';
import { machineConstants } from '../../../../src/sflow/host/constants.ts';
import { hostRecords, hostSource, readHostCounters } from '../../../../src/sflow/host.ts';
import { readLinks } from '../../../../src/topology/links.ts';
import { counters, decode } from '../../../harness/sflow.ts';

const shell = (command: string): string =>
	execFileSync('sh', ['-c', command], { encoding: 'utf8' }).trim();

function readHost() {
	const sent: string[] = [];
	const assembler = new DatagramAssembler({
		agent: Uint8Array.of(192, 0, 2, 1),
		subAgent: 0,
		uptimeMs: () => 0,
		send: ({ bytes }) => void sent.push(bytes.toString('hex')),
	});
	const host = readHostCounters(readLinks());
	assembler.add((xdr) => writeCounterSample(xdr, hostSource(), false, hostRecords(host)));
	assembler.flush();
	// biome-ignore lint/suspicious/noExplicitAny: the test says what it expects
	return counters(decode(sent))[0] as any;
}

test('what getconf says of the machine', () => {
	expect(machineConstants()).toEqual({
		pageBytes: Number(shell('getconf PAGESIZE')),
		ticksPerSecond: Number(shell('getconf CLK_TCK')),
	});
});

test('the host is source 2:1, with all its structures', () => {
	const { source, records } = readHost();
	expect(source).toEqual({ class: 2, index: 1 });
	expect(Object.keys(records)).toEqual([
		'host_descr',
		'host_adapters',
		'host_cpu',
		'host_memory',
		'host_disk_io',
		'host_net_io',
		'mib2_ip_group',
		'mib2_icmp_group',
		'mib2_tcp_group',
		'mib2_udp_group',
	]);
});

test('description', () => {
	const { host_descr } = readHost().records;
	expect(host_descr).toMatchObject({
		hostname: shell('hostname'),
		os_name: 2,
		os_release: shell('uname -r').slice(0, 32),
	});
	expect(host_descr.uuid).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
});

test('counters lie between two readings by somebody else', () => {
	const read = () => ({
		user: Number(shell("awk '/^cpu /{print $2}' /proc/stat")) * 10,
		contexts: Number(shell("awk '/^ctxt/{print $2}' /proc/stat")),
		uptime: Math.floor(Number(shell('cut -d" " -f1 /proc/uptime'))),
		out: Number(shell("awk '/^Udp: [0-9]/{print $5}' /proc/net/snmp")),
	});
	const before = read();
	const { host_cpu, mib2_udp_group } = readHost().records;
	const after = read();
	const between = (value: number, name: keyof typeof before): void => {
		expect(value, name).toBeGreaterThanOrEqual(before[name] % 2 ** 32);
		expect(value, name).toBeLessThanOrEqual(after[name] % 2 ** 32);
	};
	between(host_cpu.cpu_user, 'user');
	between(host_cpu.contexts, 'contexts');
	between(host_cpu.uptime, 'uptime');
	between(mib2_udp_group.udpOutDatagrams, 'out');
	expect(host_cpu.cpu_num).toBe(Number(shell('nproc --all')));
});

test('sizes are those of free and df', () => {
	const { host_memory, host_disk_io } = readHost().records;
	const [total, , , shared] = shell("free -b | awk '/^Mem:/{print $2, $3, $4, $5}'")
		.split(' ')
		.map(Number) as [number, number, number, number];
	expect(host_memory.mem_total).toBe(total);
	expect(Math.abs(host_memory.mem_shared - shared)).toBeLessThan(total / 100);
	expect(host_memory.mem_free).toBeLessThan(total);
	expect(host_memory.mem_cached).toBeGreaterThan(0);
	const rows = shell('df -B1 --output=source,size,avail,used')
		.split('\n')
		.filter((row) => /^\/dev\/(?!loop)/.test(row))
		.map((row) => row.split(/\s+/));
	const disks = new Map(rows.map((row) => [row[0], row.slice(1).map(Number)]));
	const sizes = [...disks.values()] as [number, number, number][];
	expect(host_disk_io.disk_total).toBe(sizes.reduce((sum, [size]) => sum + size, 0));
	const used = sizes.map(([, available, used]) => used / (used + available));
	expect(host_disk_io.part_max_used / 10_000).toBeCloseTo(Math.max(...used), 2);
});
