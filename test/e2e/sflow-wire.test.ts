/** What the sFlow agent sends, read by collectors and decoders of other authors. */
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { INTERNAL_PORT } from '../../src/sflow/ports.ts';
import { Sfacctd, Sfcapd } from '../harness/collectors.ts';
import { udpFrame } from '../harness/frames.ts';
import { type Host, Lab, until } from '../harness/lab.ts';
import { Listener, tshark } from '../harness/readers.ts';
import { cable } from '../harness/scene.ts';
import { AgentProcess, counters, decode, flowSample, flows, payloads } from '../harness/sflow.ts';

const PORT = 6343;
const TARGET = `127.0.0.1:${PORT}`;

/** Somebody who takes datagrams, so that the kernel does not refuse them. */
async function sink(host: Host, port = PORT): Promise<void> {
	const args = ['test/harness/programs/udp-receive.py', String(port), '1000000'];
	await host.spawn('python3', args).says(/listening/);
}

/** The capture's datagrams, decoded, once there are so many samples of a kind. */
async function captured(listener: Listener, enough: (hex: string[]) => boolean): Promise<string[]> {
	let hex: string[] = [];
	await until(
		() => {
			hex = payloads(listener.file, PORT);
			return enough(hex);
		},
		'the datagrams',
		20_000,
		() => `there are ${hex.length}`,
	);
	return hex;
}

const VLAN = { sourceVlan: 100, sourcePriority: 5, destinationVlan: 200, destinationPriority: 6 };
const ROUTER = { nextHop: Uint8Array.of(10, 0, 0, 1), sourceMask: 24, destinationMask: 16 };

const TAGGED = udpFrame(100, { tags: [{ id: 100, priority: 5 }] });

/** No expert of Wireshark has anything to say of the file. */
function wellFormed(file: string): void {
	const rows = tshark(file, ['_ws.expert.message', '_ws.malformed'], '-Y', `udp.dstport==${PORT}`);
	expect(rows.length).toBeGreaterThan(0);
	expect(rows.filter((row) => row.some(Boolean))).toEqual([]);
}

test('tshark reads compact flow samples, field by field', async () => {
	await using lab = new Lab();
	const host = lab.host('agent');
	await sink(host);
	const listener = await Listener.start(host, 'lo', join(lab.directory(), 'out.pcap'));
	const agent = await AgentProcess.start(host, {
		collectors: [TARGET],
		agent: '192.0.2.1',
		subAgent: 7,
		pollingMs: 0,
	});
	agent.add(3);
	const sample = flowSample({
		source: 3,
		input: 3,
		output: INTERNAL_PORT,
		header: TAGGED,
		frameLength: TAGGED.length,
		vlan: VLAN,
		router: ROUTER,
		drops: 5,
	});
	agent.sample(sample, 12, 1000);
	const status = await agent.close();
	const hex = await captured(listener, (all) => flows(decode(all)).length === 12);
	wellFormed(listener.file);
	const columns = {
		'sflow_245.version': '5',
		'sflow_245.agent': '192.0.2.1',
		'sflow_245.sub_agent_id': '7',
	};
	for (const row of tshark(listener.file, Object.keys(columns), '-Y', 'sflow'))
		expect(row).toEqual(Object.values(columns));
	const of = (field: string): string[] =>
		tshark(listener.file, [field], '-Y', 'sflow').flatMap(([cell]) => (cell as string).split(','));
	const all = (value: string): string[] => Array(12).fill(value);
	const numbered = Array.from({ length: 12 }, (_, i) => i);
	expect(of('sflow_245.sequence_number')).toEqual(
		Array.from({ length: status.datagrams }, (_, i) => String(i + 1)),
	);
	expect(of('sflow.flow_sample.sequence_number')).toEqual(numbered.map((i) => String(i + 1)));
	expect(of('sflow.flow_sample.sample_pool')).toEqual(numbered.map((i) => String(4321 + i * 1000)));
	const expected: Record<string, string> = {
		'sflow.flow_sample.source_id_class': '0',
		'sflow.flow_sample.index': '3',
		'sflow.flow_sample.sampling_rate': '1000',
		'sflow.flow_sample.dropped_packets': '5',
		'sflow.flow_sample.input_interface': '3',
		'sflow.flow_sample.output_interface': '0x3fffffff',
		'sflow_245.header_protocol': '1',
		'sflow_245.header.frame_length': '108',
		'sflow_245.header.payload_stripped': '4',
		'sflow_245.vlan.in': '100',
		'sflow_245.pri.in': '5',
		'sflow_245.vlan.out': '200',
		'sflow_245.pri.out': '6',
		'sflow_245.nexthop': '10.0.0.1',
		'sflow_245.nexthop.src_mask': '24',
		'sflow_245.nexthop.dst_mask': '16',
		// The frame inside, as tshark dissects the header.
		'vlan.id': '100',
	};
	for (const [field, value] of Object.entries(expected))
		expect(of(field), field).toEqual(all(value));
	for (const { records } of flows(decode(hex)))
		expect(records['sampled_header']?.['header']).toBe(TAGGED.toString('hex'));
	expect(status).toMatchObject({ flowSamples: 12, strays: 0 });
	expect(status.collectors).toMatchObject([{ sent: status.datagrams, failed: 0, dropped: 0 }]);
});

test('an index beyond 24 bits: from then on everything is expanded, and tshark reads it', async () => {
	await using lab = new Lab();
	const host = lab.host('agent');
	await sink(host);
	const listener = await Listener.start(host, 'lo', join(lab.directory(), 'out.pcap'));
	const spec = { collectors: [TARGET], agent: '192.0.2.1', pollingMs: 500 };
	const agent = await AgentProcess.start(host, spec);
	agent.add(1);
	agent.sample(flowSample({ source: 1 }), 3);
	agent.add(20_000_000);
	agent.sample(flowSample({ source: 1, output: 5 }), 3);
	agent.sample(flowSample({ source: 20_000_000, input: 20_000_000, output: 2 ** 30 + 1 }), 3);
	const hasBoth = (all: string[]): boolean =>
		counters(decode(all)).some(({ expanded, source }) => expanded && source.index === 1);
	const hex = await captured(listener, (all) => hasBoth(all) && flows(decode(all)).length === 9);
	await agent.close();
	const datagrams = decode(hex);
	expect(flows(datagrams).map(({ expanded }) => expanded)).toEqual([
		...Array(3).fill(false),
		...Array(6).fill(true),
	]);
	const change = datagrams.findIndex(({ samples }) => samples.some(({ expanded }) => expanded));
	for (const [i, { samples }] of datagrams.entries())
		expect(new Set(samples.map(({ expanded }) => expanded))).toEqual(new Set([i >= change]));
	const [row] = tshark(
		listener.file,
		[
			'sflow.flow_sample.source_id_index',
			'sflow.flow_sample.input_interface_value',
			'sflow.flow_sample.output_interface_value',
		],
		'-Y',
		'sflow.flow_sample.source_id_index == 20000000',
	);
	const last = row?.map((cell) => cell.split(',').at(-1));
	expect(last).toEqual(['20000000', '20000000', String(2 ** 30 + 1)]);
});

test('interface counters: tshark, sfacctd and the kernel agree', async () => {
	await using lab = new Lab();
	const host = lab.host('agent');
	const other = lab.host('other');
	cable(host, 'eth0', other, 'eth0', lab);
	host.ip('link', 'add', 'br0', 'type', 'bridge');
	host.ip('link', 'set', 'eth0', 'promisc', 'on');
	await other.send('eth0', udpFrame(500), 300);
	const file = join(lab.directory(), 'out.pcap');
	const listener = await Listener.start(host, 'lo', file);
	const sfacctd = await Sfacctd.start(host, PORT, lab.directory());
	const spec = { collectors: [TARGET], agent: '192.0.2.1', pollingMs: 1000 };
	const agent = await AgentProcess.start(host, spec);
	const [eth0, bridge] = [host.ifindex('eth0'), host.ifindex('br0')];
	agent.add(eth0);
	agent.add(bridge);
	const seen = (all: string[], index: number) =>
		counters(decode(all)).filter(({ source }) => source.class === 0 && source.index === index);
	const hex = await captured(
		listener,
		(all) => seen(all, eth0).length > 2 && seen(all, bridge).length > 2,
	);
	await agent.close();
	expect(
		seen(hex, eth0)
			.map(({ sequence }) => sequence)
			.slice(0, 3),
	).toEqual([1, 2, 3]);
	const [{ stats64 }] = JSON.parse(host.ip('-s', '-json', 'link', 'show', 'eth0'));
	const { records } = seen(hex, eth0).at(-1) as { records: Record<string, object> };
	const expected = {
		ifIndex: eth0,
		ifType: 6,
		ifStatus: 3,
		ifInOctets: stats64.rx.bytes,
		ifInUcastPkts: stats64.rx.packets - stats64.rx.multicast,
		ifOutOctets: stats64.tx.bytes,
		ifPromiscuousMode: 1,
	};
	expect(stats64.rx.bytes).toBeGreaterThanOrEqual(300 * 500);
	expect(records['if_counters']).toMatchObject(expected);
	expect(records['port_name']).toEqual({ name: 'eth0' });
	const down = (seen(hex, bridge).at(-1) as { records: Record<string, object> }).records;
	expect(down['if_counters']).toMatchObject({ ifType: 209, ifStatus: 0, ifPromiscuousMode: 0 });
	const generic = sfacctd
		.counters()
		.filter((row) => row['sf_cnt_type'] === 'sflow_cnt_generic' && row['ifIndex'] === eth0);
	expect(generic.at(-1)).toMatchObject({ ...expected, peer_ip_src: '192.0.2.1' });
	const rows = tshark(
		file,
		['sflow_245.ifindex', 'sflow_245.ifinoct', 'sflow_245.ifoutoct', 'sflow_245.ifpromisc'],
		'-Y',
		`sflow_245.ifindex == ${eth0}`,
	);
	// Several interfaces in one datagram are several values in one column.
	const table = rows.flatMap((row) => {
		const columns = row.map((cell) => cell.split(','));
		return (columns[0] as string[]).map((_, i) => columns.map((column) => column[i]));
	});
	const last = table.findLast(([index]) => index === String(eth0));
	expect(last?.slice(1)).toEqual([String(stats64.rx.bytes), String(stats64.tx.bytes), '1']);
});

test('sfacctd and sfcapd estimate the traffic that the samples stand for', async () => {
	await using lab = new Lab();
	const host = lab.host('agent');
	const sfacctd = await Sfacctd.start(host, PORT, lab.directory());
	const sfcapd = await Sfcapd.start(host, PORT + 1, lab.directory());
	const agent = await AgentProcess.start(host, {
		collectors: [TARGET, `127.0.0.1:${PORT + 1}`],
		agent: '192.0.2.1',
		pollingMs: 200,
	});
	agent.add(1);
	agent.add(2);
	const common = { header: TAGGED, frameLength: 1400, vlan: VLAN, router: ROUTER };
	agent.sample(flowSample({ ...common, source: 1, input: 1, output: 2, rate: 1000 }), 50, 1000);
	agent.sample(flowSample({ ...common, source: 2, input: 2, output: 9, rate: 64 }), 30, 64);
	const seen = await sfacctd.flows(50 * 1000 + 30 * 64);
	const { collectors } = await agent.close();
	const flow = {
		mac_src: '02:00:00:00:00:0a',
		mac_dst: '02:00:00:00:00:0b',
		vlan: 100,
		peer_ip_src: '192.0.2.1',
		ip_src: '10.9.0.1',
		ip_dst: '10.9.0.2',
		port_src: 40_000,
		port_dst: 9,
		ip_proto: 'udp',
	};
	expect(
		seen.map(({ mac_src, mac_dst, ...row }) => row).sort((a, b) => a.iface_in - b.iface_in),
	).toMatchObject(
		[
			{ ...flow, iface_in: 1, iface_out: 2, packets: 50_000, bytes: 50_000 * 1404 },
			{ ...flow, iface_in: 2, iface_out: 9, packets: 30 * 64, bytes: 30 * 64 * 1404 },
		].map(({ mac_src, mac_dst, ...row }) => row),
	);
	expect(collectors).toMatchObject([
		{ failed: 0, dropped: 0, refused: 0 },
		{ failed: 0, dropped: 0, refused: 0 },
	]);
	const { summary, flows: records } = await sfcapd.end();
	expect(summary).toMatch(/Flows: 80, Packets: 51920,/);
	expect(summary).toMatch(/Sequence Errors: 0, Bad Packets: 0/);
	for (const record of records)
		expect(record).toMatchObject({
			src4_addr: '10.9.0.1',
			dst4_addr: '10.9.0.2',
			src_port: 40_000,
			dst_port: 9,
			proto: 17,
			src_vlan: 100,
			dst_vlan: 200,
			src_mask: 24,
			dst_mask: 16,
			ip4_next_hop: '10.0.0.1',
		});
	const ports = records.map(({ input_snmp, output_snmp }) => `${input_snmp}-${output_snmp}`);
	expect(new Set(ports)).toEqual(new Set(['1-2', '2-9']));
	expect(ports.filter((each) => each === '1-2')).toHaveLength(50);
});
