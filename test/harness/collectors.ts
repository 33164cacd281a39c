/** Collectors of other authors, started by a test in its namespace. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { type Host, type Run, until } from './lab.ts';

const jsonLines = <Row>(path: string): Row[] =>
	readFileSync(path, 'utf8')
		.split('\n')
		.filter(Boolean)
		.map((line) => JSON.parse(line));

export interface SfacctdFlow {
	mac_src: string;
	mac_dst: string;
	vlan: number;
	peer_ip_src: string;
	iface_in: number;
	iface_out: number;
	ip_src: string;
	ip_dst: string;
	port_src: number;
	port_dst: number;
	ip_proto: string;
	packets: number;
	bytes: number;
}

const AGGREGATE = [
	...['src_mac', 'dst_mac', 'vlan', 'peer_src_ip', 'in_iface', 'out_iface'],
	...['src_host', 'dst_host', 'src_port', 'dst_port', 'proto'],
];

/** pmacct's collector. It multiplies by the sampling rate itself. */
export class Sfacctd {
	private readonly run: Run;
	private readonly directory: string;

	private constructor(run: Run, directory: string) {
		this.run = run;
		this.directory = directory;
	}

	static async start(host: Host, port: number, directory: string): Promise<Sfacctd> {
		const settings = {
			daemonize: 'false',
			sfacctd_ip: '0.0.0.0',
			sfacctd_port: port,
			sfacctd_renormalize: 'true',
			sfacctd_counter_file: join(directory, 'counters.json'),
			sfacctd_counter_output: 'json',
			plugins: 'print',
			aggregate: AGGREGATE.join(','),
			print_output: 'json',
			print_output_file: join(directory, 'flows.json'),
			print_output_file_append: 'true',
			print_refresh_time: 1,
		};
		const lines = Object.entries(settings).map(([key, value]) => `${key}: ${value}\n`);
		writeFileSync(join(directory, 'sfacctd.conf'), lines.join(''));
		writeFileSync(join(directory, 'flows.json'), '');
		const run = host.spawn('sfacctd', ['-f', join(directory, 'sfacctd.conf')]);
		await run.says(/waiting for sFlow data/);
		await run.says(/JSON: setting object handlers/);
		return new Sfacctd(run, directory);
	}

	/** Waits until it has written so many packets; one row per flow. */
	async flows(packets: number): Promise<SfacctdFlow[]> {
		const rows = (): SfacctdFlow[] => jsonLines(join(this.directory, 'flows.json'));
		const total = (): number => rows().reduce((sum, row) => sum + row.packets, 0);
		await until(
			() => total() >= packets,
			`${packets} packets`,
			20_000,
			() => this.run.stderr,
		);
		const sums = new Map<string, SfacctdFlow>();
		for (const { packets, bytes, ...flow } of rows()) {
			const key = JSON.stringify(flow);
			const before = sums.get(key);
			sums.set(key, {
				...flow,
				packets: packets + (before?.packets ?? 0),
				bytes: bytes + (before?.bytes ?? 0),
			});
		}
		return [...sums.values()];
	}

	/** The counter records that it knows, in the order of arrival. */
	counters(): Record<string, number | string>[] {
		const rows = jsonLines<Record<string, number | string>>(join(this.directory, 'counters.json'));
		return rows.filter((row) => 'sf_cnt_type' in row);
	}
}

export interface SfcapdFlow {
	in_packets: number;
	in_bytes: number;
	proto: number;
	src_port: number;
	dst_port: number;
	src4_addr: string;
	dst4_addr: string;
	input_snmp: number;
	output_snmp: number;
	src_mask: number;
	dst_mask: number;
	src_vlan: number;
	dst_vlan: number;
	ip4_next_hop: string;
}

/** nfdump's collector. It multiplies by the sampling rate itself. */
export class Sfcapd {
	private readonly run: Run;
	private readonly host: Host;
	private readonly directory: string;

	private constructor(run: Run, host: Host, directory: string) {
		this.run = run;
		this.host = host;
		this.directory = directory;
	}

	static async start(host: Host, port: number, directory: string): Promise<Sfcapd> {
		const args = ['-p', String(port), '-w', directory, '-t', '3600'];
		const run = host.spawn('sfcapd', args);
		await run.says(/Startup sfcapd/);
		return new Sfcapd(run, host, directory);
	}

	/** Ends it; what it says of its input, and the flows. */
	async end(): Promise<{ summary: string; flows: SfcapdFlow[] }> {
		const { stderr, stdout } = await this.run.stop('SIGTERM');
		const summary = /^Ident: .*$/m.exec(stderr + stdout)?.[0] ?? '';
		expect(summary, 'sfcapd says what it got').not.toBe('');
		const out = this.host.exec('nfdump', '-R', this.directory, '-o', 'json');
		return { summary, flows: JSON.parse(out) };
	}
}
