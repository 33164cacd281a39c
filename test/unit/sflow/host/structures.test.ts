/** Every field of the host structures, each at a value of its own, through the decoder. */
import { expect, test } from 'vitest';
import { writeCounterSample } from '../../../../src/sflow/counter-sample.ts';
import { DataSource } from '../../../../src/sflow/data-source.ts';
import { DatagramAssembler } from '../../../../src/sflow/datagram.ts';
import { ADAPTERS_MOST } from '../../../../src/sflow/host/adapters.ts';
import { parseSnmp } from '../../../../src/sflow/host/mib.ts';
import { type HostCounters, hostRecords, hostSource } from '../../../../src/sflow/host.ts';
import { counters, decode } from '../../../harness/sflow.ts';

/** Two lines of /proc/net/snmp: the columns of Linux, and values from a number on. */
function lines(group: string, columns: string, from: number): string {
	const values = columns.split(' ').map((_, i) => from + i);
	return `${group}: ${columns}\n${group}: ${values.join(' ')}\n`;
}

const SNMP = [
	lines(
		'Ip',
		'Forwarding DefaultTTL InReceives InHdrErrors InAddrErrors ForwDatagrams InUnknownProtos InDiscards InDelivers OutRequests OutDiscards OutNoRoutes ReasmTimeout ReasmReqds ReasmOKs ReasmFails FragOKs FragFails FragCreates OutTransmits',
		100,
	),
	lines(
		'Icmp',
		'InMsgs InErrors InCsumErrors InDestUnreachs InTimeExcds InParmProbs InSrcQuenchs InRedirects InEchos InEchoReps InTimestamps InTimestampReps InAddrMasks InAddrMaskReps OutMsgs OutErrors OutRateLimitGlobal OutRateLimitHost OutDestUnreachs OutTimeExcds OutParmProbs OutSrcQuenchs OutRedirects OutEchos OutEchoReps OutTimestamps OutTimestampReps OutAddrMasks OutAddrMaskReps',
		200,
	),
	lines(
		'Tcp',
		'RtoAlgorithm RtoMin RtoMax MaxConn ActiveOpens PassiveOpens AttemptFails EstabResets CurrEstab InSegs OutSegs RetransSegs InErrs OutRsts InCsumErrors',
		300,
	),
	// An older kernel: without its last counters.
	lines('Udp', 'InDatagrams NoPorts InErrors OutDatagrams RcvbufErrors', 400),
].join('');

const HOST: HostCounters = {
	description: {
		hostname: 'host.example',
		uuid: Buffer.from('3d1219c7c4c5404aaa1f6d2a48adfda4', 'hex'),
		machineType: 3,
		osRelease: '6.18.0-a-name-that-is-longer-than-32-bytes',
	},
	adapters: [
		{ ifIndex: 2, mac: Buffer.from('525400123456', 'hex') },
		{ ifIndex: 3, mac: Buffer.from('0200000000ff', 'hex') },
	],
	parent: new DataSource(2, 9),
	cpu: {
		load: { one: 0.25, five: 1.5, fifteen: 2.75, running: 1, total: 2 },
		times: {
			user: 3,
			nice: 4,
			system: 5,
			idle: 2 ** 32 + 6,
			wio: 7,
			intr: 8,
			sintr: 9,
			interrupts: 10,
			contexts: 11,
			steal: 12,
			guest: 13,
			guestNice: 14,
			processors: 15,
		},
		speedMhz: 16,
		uptimeS: 17,
	},
	memory: {
		total: 2 ** 40,
		free: 22,
		shared: 23,
		buffers: 24,
		cached: 25,
		swapTotal: 26,
		swapFree: 27,
		pageIn: 28,
		pageOut: 29,
		swapIn: 30,
		swapOut: 31,
	},
	space: { totalBytes: 2n ** 50n, freeBytes: 42n, mostUsed: 43 },
	transfers: {
		reads: 44,
		bytesRead: 45n,
		readMs: 46,
		writes: 47,
		bytesWritten: 48n,
		writeMs: 49,
	},
	network: {
		received: { bytes: 51n, packets: 52, errors: 53, dropped: 54 },
		sent: { bytes: 55n, packets: 56, errors: 57, dropped: 58 },
	},
	mib: parseSnmp(SNMP),
	domains: 61,
};

function decoded(host: HostCounters) {
	const sent: string[] = [];
	const assembler = new DatagramAssembler({
		agent: new Uint8Array(16),
		subAgent: 0,
		uptimeMs: () => 0,
		send: ({ bytes }) => void sent.push(bytes.toString('hex')),
	});
	assembler.add((xdr) => writeCounterSample(xdr, hostSource(), true, hostRecords(host)));
	assembler.flush();
	const [datagram] = decode(sent);
	return { length: datagram?.length, records: counters(decode(sent))[0]?.records };
}

test('description, adapters and parent', () => {
	const { records } = decoded(HOST);
	expect(records?.['host_descr']).toEqual({
		hostname: 'host.example',
		uuid: '3d1219c7-c4c5-404a-aa1f-6d2a48adfda4',
		machine_type: 3,
		os_name: 2,
		os_release: '6.18.0-a-name-that-is-longer-tha',
	});
	expect(records?.['host_adapters']).toEqual({
		adapters: [
			{ ifIndex: 2, mac_address: ['52:54:00:12:34:56'] },
			{ ifIndex: 3, mac_address: ['02:00:00:00:00:ff'] },
		],
	});
	expect(records?.['host_parent']).toEqual({ container_type: 2, container_index: 9 });
});

test('processors, memory, disks and network', () => {
	const { records } = decoded(HOST);
	expect(records?.['host_cpu']).toEqual({
		load_one: 0.25,
		load_five: 1.5,
		load_fifteen: 2.75,
		proc_run: 1,
		proc_total: 2,
		cpu_num: 15,
		cpu_speed: 16,
		uptime: 17,
		cpu_user: 3,
		cpu_nice: 4,
		cpu_system: 5,
		cpu_idle: 6,
		cpu_wio: 7,
		cpu_intr: 8,
		cpu_sintr: 9,
		interrupts: 10,
		contexts: 11,
		cpu_steal: 12,
		cpu_guest: 13,
		cpu_guest_nice: 14,
	});
	expect(records?.['host_memory']).toEqual({
		mem_total: 2 ** 40,
		mem_free: 22,
		mem_shared: 23,
		mem_buffers: 24,
		mem_cached: 25,
		swap_total: 26,
		swap_free: 27,
		page_in: 28,
		page_out: 29,
		swap_in: 30,
		swap_out: 31,
	});
	expect(records?.['host_disk_io']).toEqual({
		disk_total: 2 ** 50,
		disk_free: 42,
		part_max_used: 43,
		reads: 44,
		bytes_read: 45,
		read_time: 46,
		writes: 47,
		bytes_written: 48,
		write_time: 49,
	});
	expect(records?.['host_net_io']).toEqual({
		bytes_in: 51,
		pkts_in: 52,
		errs_in: 53,
		drops_in: 54,
		bytes_out: 55,
		packets_out: 56,
		errs_out: 57,
		drops_out: 58,
	});
	expect(records?.['virt_node']).toEqual({
		mhz: 16,
		cpus: 15,
		memory: 2 ** 40,
		memory_free: 22,
		num_domains: 61,
	});
});

test('a host without containers is no virtual node', () => {
	expect(decoded({ ...HOST, domains: 0 }).records).not.toHaveProperty('virt_node');
});

test('MIB groups: by name, not by column', () => {
	const { records } = decoded(HOST);
	const ip = Object.values(records?.['mib2_ip_group'] ?? {});
	expect(ip).toEqual(Array.from({ length: 19 }, (_, i) => 100 + i));
	expect(records?.['mib2_icmp_group']).toEqual({
		icmpInMsgs: 200,
		icmpInErrors: 201,
		icmpInDestUnreachs: 203,
		icmpInTimeExcds: 204,
		icmpInParamProbs: 205,
		icmpInSrcQuenchs: 206,
		icmpInRedirects: 207,
		icmpInEchos: 208,
		icmpInEchoReps: 209,
		icmpInTimestamps: 210,
		icmpInAddrMasks: 212,
		icmpInAddrMaskReps: 213,
		icmpOutMsgs: 214,
		icmpOutErrors: 215,
		icmpOutDestUnreachs: 218,
		icmpOutTimeExcds: 219,
		icmpOutParamProbs: 220,
		icmpOutSrcQuenchs: 221,
		icmpOutRedirects: 222,
		icmpOutEchos: 223,
		icmpOutEchoReps: 224,
		icmpOutTimestamps: 225,
		icmpOutTimestampReps: 226,
		icmpOutAddrMasks: 227,
		icmpOutAddrMaskReps: 228,
	});
	const tcp = Object.values(records?.['mib2_tcp_group'] ?? {});
	expect(tcp).toEqual(Array.from({ length: 15 }, (_, i) => 300 + i));
	expect(Object.values(records?.['mib2_udp_group'] ?? {})).toEqual([
		400, 401, 402, 403, 404, 0xffffffff, 0xffffffff,
	]);
});

test('the largest host fits into one datagram', () => {
	const mac = Buffer.from('525400123456', 'hex');
	const { length, records } = decoded({
		...HOST,
		description: { ...HOST.description, hostname: 'x'.repeat(100) },
		adapters: Array.from({ length: ADAPTERS_MOST }, (_, ifIndex) => ({ ifIndex, mac })),
	});
	expect(records?.['host_descr']?.['hostname']).toBe('x'.repeat(64));
	expect(length).toBeLessThanOrEqual(1400);
});
