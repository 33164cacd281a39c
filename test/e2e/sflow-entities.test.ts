/** Containers and named namespaces as data sources of class 3: what they use, by themselves. */
import { randomBytes } from 'node:crypto';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { cpus, hostname } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { Container, DockerHost, quietHost } from '../harness/containers.ts';
import { udpFrame } from '../harness/frames.ts';
import { type Host, Lab, until } from '../harness/lab.ts';
import { counters, type DecodedCounters, type DecodedDatagram } from '../harness/sflow.ts';
import { SflowCommand } from '../harness/sflow-command.ts';

const SENT = udpFrame(100);
const RECEIVED = udpFrame(200);
const POLLING = ['--sampling', '1/1', '--polling', '1s'];

const MIB = ['mib2_ip_group', 'mib2_icmp_group', 'mib2_tcp_group', 'mib2_udp_group'];

const hexId = (): string => randomBytes(32).toString('hex');

const sourcesOf = (datagrams: readonly DecodedDatagram[], sourceClass: number): DecodedCounters[] =>
	counters(datagrams).filter(({ source }) => source.class === sourceClass);

/** Counter samples so far. */
const counted = (sflow: SflowCommand): number => sflow.lines.at(-1)?.sflow.counterSamples ?? 0;

/** Until everything that is polled was polled again so many times. */
async function polls(sflow: SflowCommand, sources: number, rounds = 2): Promise<void> {
	// The last line may be of before what is to be counted.
	const lines = sflow.lines.length;
	await until(() => sflow.lines.length > lines, 'a line of now', 30_000);
	const from = counted(sflow);
	await until(() => counted(sflow) >= from + sources * rounds, 'polls', 30_000);
}

function expectSequences(samples: readonly DecodedCounters[]): void {
	const next = new Map<string, number>();
	for (const { sequence, source } of samples) {
		const key = `${source.class}:${source.index}`;
		expect(sequence, key).toBe((next.get(key) ?? 0) + 1);
		next.set(key, sequence);
	}
}

const macOf = (host: Host, name: string): string =>
	JSON.parse(host.ip('-json', 'link', 'show', name))[0].address;

const read = (path: string | undefined): string | undefined =>
	path === undefined ? undefined : readFileSync(path, 'utf8').trim();

/** Pages that CPUs hold for a group in advance, and give back when they like (mm/memcontrol.c). */
const CHARGED_AHEAD = cpus().length * 64 * 4096;

const recordsOf = (samples: readonly DecodedCounters[]): Record<string, Record<string, unknown>> =>
	(samples.at(-1) as DecodedCounters).records;

test('a container: its name, its interfaces, and its traffic to the byte', async () => {
	await using lab = new Lab();
	const [plain, web] = [quietHost(lab, 'host'), quietHost(lab, 'web')];
	lab.wire(plain, 'vweb', web, 'eth0');
	web.ip('link', 'add', 'br0', 'type', 'bridge');
	const id = hexId();
	await using _box = new Container(web, id);
	const host = new DockerHost(plain, lab, { [id]: 'web' });
	await web.sendSelf('eth0', SENT, 11);
	const sflow = await SflowCommand.start(lab, host, 'container:web/eth0', ...POLLING);
	await web.sendSelf('eth0', SENT, 300);
	await host.sendSelf('vweb', RECEIVED, 200);
	await polls(sflow, 3);
	const { datagrams, last } = await sflow.end();
	const ifindex = host.ifindex('vweb');
	expect(last.sflow.sources).toMatchObject([{ source: 'vweb', ifindex, pool: 500 }]);
	const samples = sourcesOf(datagrams, 3);
	expect(new Set(samples.map(({ source }) => source.index)).size).toBe(1);
	expect(samples[0]?.source.index).toBeGreaterThanOrEqual(100_000);
	expect(samples[0]?.source.index).toBeLessThan(150_000);
	expectSequences(counters(datagrams));
	const [machine] = sourcesOf(datagrams, 2).slice(-1);
	const records = recordsOf(samples);
	expect(records['host_descr']).toEqual({
		...machine?.records['host_descr'],
		hostname: 'web',
		uuid: id.slice(0, 32).replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-'),
	});
	expect(records['host_parent']).toEqual({ container_type: 2, container_index: 1 });
	const adapters = records['host_adapters']?.['adapters'] as { ifIndex: number }[];
	expect(adapters.toSorted((a, b) => a.ifIndex - b.ifIndex)).toEqual([
		{ ifIndex: 0, mac_address: [macOf(web, 'br0')] },
		{ ifIndex: ifindex, mac_address: [macOf(web, 'eth0')] },
	]);
	expect(records['virt_net_io']).toEqual({
		rx_bytes: 200 * RECEIVED.length,
		rx_packets: 200,
		rx_errs: 0,
		rx_drop: 0,
		tx_bytes: 311 * SENT.length,
		tx_packets: 311,
		tx_errs: 0,
		tx_drop: 0,
	});
	expect(records['virt_cpu']).toMatchObject({ state: 1 });
	expect(Object.keys(records)).toEqual(expect.arrayContaining(MIB));
	expect(machine?.records['virt_node']).toMatchObject({
		cpus: machine?.records['host_cpu']?.['cpu_num'],
		memory: machine?.records['host_memory']?.['mem_total'],
		num_domains: 1,
	});
	expect(machine?.records['host_descr']).toMatchObject({ hostname: hostname() });
	for (const { length } of datagrams) expect(length).toBeLessThanOrEqual(1400);
});

/** Version 1 counts what a disk transfers where there is a limit for it only; this one is out of reach. */
function throttle(box: Container, path: string): boolean {
	const file = box.file('blkio.throttle.write_bps_device');
	if (!file) return false;
	const { dev } = statSync(dirname(path));
	try {
		writeFileSync(file, `${dev >> 8}:${dev & 0xff} ${2 ** 40}`);
		return true;
	} catch {
		return false; // it is no disk
	}
}

test('processors, memory and disks of a container are those of its control group', async () => {
	await using lab = new Lab();
	const [host, web] = [quietHost(lab, 'host'), quietHost(lab, 'web')];
	lab.wire(host, 'vweb', web, 'eth0');
	await using box = new Container(web, hexId(), { counted: true });
	const most = box.file('memory.limit_in_bytes', 'memory.max');
	if (most) writeFileSync(most, String(64 * 2 ** 20));
	const quota = box.file('cpu.cfs_quota_us', 'cpu.max');
	if (quota) writeFileSync(quota, quota.endsWith('max') ? '110000 100000' : '110000');
	const work = join(lab.directory(), 'file');
	const throttled = throttle(box, work);
	const busy =
		'read go; dd if=/dev/zero of="$0" bs=64k count=16 oflag=direct; i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done; echo done; read end';
	const worker = box.run('sh', '-c', busy, work);
	const sflow = await SflowCommand.start(lab, host, `container:${box.id}`, ...POLLING);
	worker.child.stdin?.write('go\n');
	await worker.says(/done/);
	const usedMs = (): number => {
		const ns = read(box.file('cpuacct.usage'));
		const us = /usage_usec (\d+)/.exec(read(box.file('cpu.stat')) ?? '')?.[1];
		return us === undefined ? Number(ns) / 1e6 : Number(us) / 1e3;
	};
	const before = usedMs();
	await polls(sflow, 3);
	const { datagrams } = await sflow.end();
	const records = recordsOf(sourcesOf(datagrams, 3));
	const used = read(box.file('memory.usage_in_bytes', 'memory.current'));
	expect(before).toBeGreaterThan(0);
	expect(records['virt_cpu']?.['cpuTime']).toBeGreaterThanOrEqual(Math.floor(before));
	expect(records['virt_cpu']?.['cpuTime']).toBeLessThanOrEqual(usedMs());
	if (quota) expect(records['virt_cpu']?.['nrVirtCpu']).toBe(Math.min(2, cpus().length));
	expect(records['virt_memory'] !== undefined).toBe(used !== undefined);
	const memory = records['virt_memory']?.['memory'] as number;
	if (used) expect(Math.abs(memory - Number(used))).toBeLessThanOrEqual(CHARGED_AHEAD);
	if (most) expect(records['virt_memory']?.['maxMemory']).toBe(64 * 2 ** 20);
	const transferred = read(box.file('blkio.throttle.io_service_bytes', 'io.stat')) ?? '';
	const written = [...transferred.matchAll(/(?:Write |wbytes=)(\d+)/g)].map(([, n]) => Number(n));
	if (throttled) expect(written).toContain(2 ** 20);
	if (written.length === 0) return;
	const unknown = 2 ** 64;
	expect(records['virt_disk_io']).toMatchObject({
		...{ capacity: unknown, allocation: unknown, available: unknown, errs: 0xffffffff },
	});
	expect(records['virt_disk_io']?.['wr_bytes']).toBeGreaterThanOrEqual(2 ** 20);
	expect(written).toContain(records['virt_disk_io']?.['wr_bytes']);
	expect(records['virt_disk_io']?.['wr_req']).toBeGreaterThan(0);
});

test('containers that come and go: the same id has the same index, each life its own sequence', async () => {
	await using lab = new Lab();
	const host = quietHost(lab, 'host');
	const boxes = [quietHost(lab, 'a'), quietHost(lab, 'b'), quietHost(lab, 'c')] as const;
	const [first, second, other] = boxes;
	lab.wire(host, 'v0', first, 'eth0');
	lab.wire(host, 'v1', other, 'eth0');
	const box = new Container(first);
	await using stays = new Container(other);
	const sources = [`container:${box.id}`, `container:${stays.id}`];
	const sflow = await SflowCommand.start(lab, host, ...sources, ...POLLING);
	await first.sendSelf('eth0', SENT, 5);
	await polls(sflow, 5);
	await box.stop();
	lab.remove(first);
	await sflow.run.says(/v0 is gone|source_gone/);
	await polls(sflow, 3);
	lab.wire(host, 'v2', second, 'eth0');
	await using _again = new Container(second, box.id);
	await sflow.run.says(/"source_added"/);
	await second.sendSelf('eth0', SENT, 9);
	await polls(sflow, 5, 3);
	const { datagrams } = await sflow.end();
	const of = (id: string): DecodedCounters[] =>
		sourcesOf(datagrams, 3).filter(({ records }) =>
			String(records['host_descr']?.['uuid']).startsWith(id.slice(0, 8)),
		);
	expect(new Set(of(box.id).map(({ source }) => source.index)).size).toBe(1);
	expect(new Set(of(stays.id).map(({ source }) => source.index)).size).toBe(1);
	expect(of(box.id)[0]?.source.index).not.toBe(of(stays.id)[0]?.source.index);
	const later = of(box.id).filter(({ records }) =>
		JSON.stringify(records['host_adapters']).includes(`"ifIndex":${host.ifindex('v2')},`),
	);
	const before = of(box.id).slice(0, -later.length);
	expectSequences(before);
	expectSequences(later);
	expectSequences(of(stays.id));
	const sent = ({ records }: DecodedCounters) => records['virt_net_io']?.['tx_packets'];
	expect(sent(before.at(-1) as DecodedCounters)).toBe(5);
	expect(sent(later.at(-1) as DecodedCounters)).toBe(9);
	const domains = sourcesOf(datagrams, 2).map(
		({ records }) => records['virt_node']?.['num_domains'],
	);
	expect(new Set(domains)).toEqual(new Set([1, 2]));
	expect(domains.at(-1)).toBe(2);
});

test('a named namespace: what is known of it, from inside', async () => {
	await using lab = new Lab();
	const [host, blue] = [quietHost(lab, 'host'), quietHost(lab, 'blue')];
	lab.wire(host, 'vblue', blue, 'eth0');
	blue.ip('address', 'add', '10.9.0.1/24', 'dev', 'eth0');
	const names = Array.from({ length: 60 }, (_, i) => `d${i}`);
	const add = names.map((name) => `link add ${name} type bridge`).join('\n');
	blue.exec('sh', '-c', `echo '${add}' | ip -batch -`);
	const source = `netns:${blue.namespace}/eth0`;
	const sflow = await SflowCommand.start(lab, host, source, ...POLLING);
	await host.sendSelf('vblue', RECEIVED, 40);
	blue.exec('ping', '-c', '3', '-i', '0.01', '10.9.0.1');
	await polls(sflow, 3);
	const { datagrams } = await sflow.end();
	const records = recordsOf(sourcesOf(datagrams, 3));
	expect(Object.keys(records)).toEqual([
		...['host_descr', 'host_adapters', 'host_parent', 'virt_net_io'],
		...MIB,
	]);
	expect(records['host_descr']).toMatchObject({ hostname: blue.namespace });
	expect(records['host_descr']?.['uuid']).toMatch(/^.{14}5.{4}[89ab]/);
	expect(records['virt_net_io']).toMatchObject({ rx_packets: 40, rx_bytes: 40 * RECEIVED.length });
	const echoes = /^Icmp: \d.*$/m.exec(blue.exec('cat', '/proc/net/snmp'))?.[0].split(' ') ?? [];
	expect(records['mib2_icmp_group']?.['icmpInMsgs']).toBe(Number(echoes[1]));
	expect(records['mib2_icmp_group']?.['icmpInMsgs']).toBe(6);
	const adapters = records['host_adapters']?.['adapters'] as { ifIndex: number }[];
	expect(adapters).toHaveLength(30);
	expect(adapters.map(({ ifIndex }) => ifIndex)).toContain(host.ifindex('vblue'));
	for (const { length } of datagrams) expect(length).toBeLessThanOrEqual(1400);
});

test('what is gone and not followed is no source any more, nor is what nobody named', async () => {
	await using lab = new Lab();
	const host = quietHost(lab, 'host');
	const names = ['green', 'blue', 'first', 'second'] as const;
	const [green, blue, first, second] = names.map((name) => quietHost(lab, name)) as [
		...[Host, Host, Host, Host],
	];
	lab.wire(host, 'vgreen', green, 'eth0');
	lab.wire(host, 'vblue', blue, 'eth0');
	lab.wire(host, 'vfirst', first, 'eth0');
	const box = new Container(first);
	const sources = ['vgreen', `netns:${blue.namespace}`, `container:${box.id}`, '--no-follow'];
	const sflow = await SflowCommand.start(lab, host, ...sources, ...POLLING);
	await polls(sflow, 6);
	await box.stop();
	for (const gone of [blue, first]) lab.remove(gone);
	await sflow.run.says(/vfirst is gone/);
	await sflow.run.says(/vblue is gone/);
	await polls(sflow, 2, 3);
	lab.wire(host, 'vsecond', second, 'eth0');
	await using _again = new Container(second, box.id);
	await polls(sflow, 2, 4);
	const { datagrams } = await sflow.end();
	const hosted = counters(datagrams).filter(({ source }) => source.class >= 2);
	const last = hosted.findLastIndex(({ source }) => source.class === 3);
	const machine = hosted.slice(last + 1);
	expect(machine.length).toBeGreaterThan(4);
	expect(machine.at(-1)?.records).not.toHaveProperty('virt_node');
	const named = sourcesOf(datagrams, 3).map(({ records }) => records['host_descr']?.['hostname']);
	expect(new Set(named)).toEqual(new Set([blue.namespace, box.id.slice(0, 12)]));
});
