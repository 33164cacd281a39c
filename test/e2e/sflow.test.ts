/** `xspan sflow` on hosts with traffic: what arrives at a collector is what was there. */
import { expect, test } from 'vitest';
import { INTERNAL_PORT } from '../../src/sflow/ports.ts';
import { udpFrame } from '../harness/frames.ts';
import { Lab, until } from '../harness/lab.ts';
import { cable, scene } from '../harness/scene.ts';
import type { DecodedFlow } from '../harness/sflow.ts';
import { SflowCommand } from '../harness/sflow-command.ts';

const UDP_PORT_AT = 36;

const portOf = ({ records }: DecodedFlow): number =>
	Buffer.from(records['sampled_header']?.['header'] as string, 'hex').readUInt16BE(UDP_PORT_AT);

const frameLength = ({ records }: DecodedFlow): number =>
	records['sampled_header']?.['frame_length'] as number;

/** Six standard errors of the estimate of so many frames at 1/rate. */
const tolerance = (frames: number, rate: number): number => 6 * Math.sqrt(frames * (rate - 1));

const estimate = (samples: readonly DecodedFlow[]): number =>
	samples.reduce((sum, { rate }) => sum + rate, 0);

function expectSequences(samples: readonly DecodedFlow[]): void {
	const next = new Map<number, number>();
	for (const { sequence, source } of samples) {
		expect(sequence).toBe((next.get(source.index) ?? 0) + 1);
		next.set(source.index, sequence);
	}
}

const MIXES = [
	{ rate: 100, total: 430_000, mix: { 9: 300_000, 10: 100_000, 11: 30_000 } },
	{ rate: 1000, total: 10_000_000, mix: { 9: 6_000_000, 10: 3_000_000, 11: 1_000_000 } },
];

test.each(MIXES)(
	'$total frames at 1/$rate: pool exact, estimates within six standard errors',
	{ timeout: 180_000 },
	async ({ rate, total, mix }) => {
		await using lab = new Lab();
		const { client, host } = scene(lab);
		const sflow = await SflowCommand.start(
			lab,
			host,
			...['h0', '--direction', 'rx', '--sampling', `1/${rate}`, '--polling', '0'],
		);
		for (const [port, count] of Object.entries(mix))
			await client.send('c0', udpFrame(100, { port: Number(port) }), count);
		const { last, flows } = await sflow.end();
		const ifindex = host.ifindex('h0');
		expect(last.sflow.sources).toEqual([
			{ source: 'h0', ifindex, ended: false, pool: total, drops: 0 },
		]);
		expect(last.sflow).toMatchObject({ strays: 0, flowSamples: flows.length });
		expectSequences(flows);
		const pools = flows.map(({ pool }) => pool);
		expect(pools).toEqual(pools.toSorted((a, b) => a - b));
		expect(pools.at(-1)).toBeGreaterThan(total - 50 * rate);
		expect(pools.at(-1)).toBeLessThanOrEqual(total);
		for (const flow of flows) expect(flow).toMatchObject({ rate, drops: 0 });
		for (const [port, count] of Object.entries(mix)) {
			const samples = flows.filter((flow) => portOf(flow) === Number(port));
			expect(Math.abs(estimate(samples) - count)).toBeLessThan(tolerance(count, rate));
			expect(samples.every((sample) => frameLength(sample) === 104)).toBe(true);
		}
	},
);

test('with a filter the pool is what could have been sampled', async () => {
	await using lab = new Lab();
	const { client, host } = scene(lab);
	const sflow = await SflowCommand.start(
		lab,
		host,
		...['h0', '--direction', 'rx', '--sampling', '1/1', '-f', 'udp dst port 9', '--polling', '0'],
	);
	await client.send('c0', udpFrame(100, { port: 8 }), 500);
	await client.send('c0', udpFrame(100, { port: 9, tags: [{ id: 42, priority: 5 }] }), 200);
	await client.send('c0', udpFrame(100, { port: 9 }), 100);
	const { last, flows } = await sflow.end();
	expect(last.ledger.seen.frames).toBe(800);
	expect(last.sflow.sources).toMatchObject([{ pool: 100, drops: 0 }]);
	expect(flows.map(portOf)).toEqual(new Array(100).fill(9));
});

test('a tag is in its place, and in extended_switch', async () => {
	await using lab = new Lab();
	const { client, host } = scene(lab);
	const args = ['h0', '--sampling', '1/1', '--polling', '0'];
	const sflow = await SflowCommand.start(lab, host, ...args, '--direction', 'rx');
	await client.send('c0', udpFrame(100, { tags: [{ id: 42, priority: 5 }] }), 3);
	const { flows } = await sflow.end();
	expect(flows).toHaveLength(3);
	for (const { records } of flows) {
		expect(records['sampled_header']).toMatchObject({ frame_length: 108, stripped: 4 });
		expect(records['sampled_header']?.['header']).toMatch(/^.{24}8100a02a0800/);
		expect(records['extended_switch']).toMatchObject({ src_vlan: 42, src_priority: 5 });
		const ns = Number(records['timestamp']?.['nanoseconds']);
		expect(Math.abs(ns / 1e6 - Date.now())).toBeLessThan(30_000);
	}
});

test('super-frames are exported as the frames that they become', async () => {
	await using lab = new Lab();
	const { client, host } = scene(lab);
	client.ip('address', 'add', '10.8.0.1/24', 'dev', 'c0');
	host.ip('address', 'add', '10.8.0.2/24', 'dev', 'h0');
	const rate = 10;
	const args = ['h0', '--direction', 'rx', '--sampling', `1/${rate}`, '--polling', '0'];
	const sflow = await SflowCommand.start(lab, host, ...args);
	const receive =
		'import socket; s=socket.create_server(("10.8.0.2",5001)); print("listening",flush=True); c,_=s.accept()\nwhile c.recv(1<<20): pass';
	const server = host.spawn('python3', ['-c', receive]);
	await server.says(/listening/);
	const send =
		'import socket; s=socket.create_connection(("10.8.0.2",5001)); s.sendall(bytes(100<<20)); s.close()';
	client.exec('python3', '-c', send);
	await server.finished;
	const { last, flows } = await sflow.end();
	const pool = last.sflow.sources[0]?.pool as number;
	expect(pool).toBeGreaterThan((100 << 20) / 1460);
	// They are drawn together: so many at most, and their number has the variance of that.
	const together = 46;
	const error = Math.abs(estimate(flows) - pool);
	expect(error).toBeLessThan(Math.sqrt(together) * tolerance(pool, rate));
	expect(Math.max(...flows.map(frameLength))).toBe(1518);
	const mean = flows.reduce((sum, flow) => sum + frameLength(flow), 0) / flows.length;
	expect(mean, 'nearly all of them are full').toBeGreaterThan(1400);
});

test('above --max-samples the rate backs off, and each sample has the rate of its draw', async () => {
	await using lab = new Lab();
	const { client, host } = scene(lab);
	const sflow = await SflowCommand.start(
		lab,
		host,
		...[
			'h0',
			'--direction',
			'rx',
			'--sampling',
			'1/16',
			'--max-samples',
			'500/s',
			'--polling',
			'0',
		],
	);
	let total = 0;
	const step = 150_000;
	await until(
		async () => {
			await client.send('c0', udpFrame(100), step);
			total += step;
			return (sflow.lines.at(-1)?.sflow.rate ?? 0) >= 128;
		},
		'a lower rate',
		30_000,
	);
	await client.send('c0', udpFrame(100), step);
	total += step;
	const { last, flows } = await sflow.end();
	expect(last.sflow.sources).toMatchObject([{ pool: total }]);
	const rates = [...new Set(flows.map(({ rate }) => rate))];
	expect(rates.length).toBeGreaterThan(1);
	for (const rate of rates) expect(Math.log2(rate) % 1).toBe(0);
	const lost = flows.at(-1)?.drops ?? 0;
	expect(lost).toBe(0);
	expect(Math.abs(estimate(flows) - total)).toBeLessThan(tolerance(total, Math.max(...rates)));
});

test('interfaces that come and go: each with a sequence of its own', async () => {
	await using lab = new Lab();
	const { client, host } = scene(lab);
	const args = ['h*', '--direction', 'rx', '--sampling', '1/1', '--polling', '1s'];
	const sflow = await SflowCommand.start(lab, host, ...args);
	await client.send('c0', udpFrame(100), 10);
	cable(client, 'c7', host, 'h7', lab);
	await sflow.run.says(/"source_added"/);
	const later = host.ifindex('h7');
	await client.send('c7', udpFrame(100), 20);
	await until(() => (sflow.lines.at(-1)?.sflow.flowSamples ?? 0) >= 30, 'their samples');
	host.ip('link', 'del', 'h7');
	await sflow.run.says(/"source_gone"/);
	await client.send('c0', udpFrame(100), 10);
	const { last, flows } = await sflow.end();
	expect(last.sflow.strays).toBe(0);
	expectSequences(flows);
	const count = (ifindex: number) => flows.filter(({ source }) => source.index === ifindex).length;
	expect(count(host.ifindex('h0'))).toBe(20);
	expect(count(later)).toBe(20);
	expect(last.sflow.sources).toMatchObject([
		{ source: 'h0', pool: 20, ended: false },
		{ source: 'h7', pool: 20, ended: true },
	]);
});

test('256 interfaces from one process', async () => {
	await using lab = new Lab();
	const host = lab.host('host');
	const pairs = Array.from({ length: 128 }, (_, i) => [`d${i}`, `d${i}p`] as const);
	const names = pairs.flat();
	const commands = [
		...pairs.map(([name, peer]) => `ip link add ${name} type veth peer ${peer}`),
		...names.map((name) => `ip link set ${name} up`),
	];
	host.exec('sh', '-c', `echo 1 > /proc/sys/net/ipv6/conf/default/disable_ipv6`);
	host.exec('sh', '-c', commands.join('\n'));
	const args = ['d*', '--direction', 'tx', '--sampling', '1/1', '--polling', '2s'];
	const sflow = await SflowCommand.start(lab, host, ...args);
	const send = `
import socket, sys
for name in sys.argv[2:]:
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    s.bind((name, 0))
    for _ in range(10): s.send(bytes.fromhex(sys.argv[1]))
    s.close()`;
	host.exec('python3', '-c', send, udpFrame(100).toString('hex'), ...names);
	await until(() => (sflow.lines.at(-1)?.sflow.counterSamples ?? 0) >= 257, 'all counters', 30_000);
	const { last, flows } = await sflow.end();
	expect(flows).toHaveLength(2560);
	expectSequences(flows);
	expect(last.sflow.sources).toHaveLength(256);
	for (const source of last.sflow.sources) expect(source).toMatchObject({ pool: 10, drops: 0 });
	expect(last.sflow).toMatchObject({ strays: 0 });
});

test('a collector that nobody answers for is counted, and the other one gets everything', async () => {
	await using lab = new Lab();
	const { client, host } = scene(lab);
	const args = ['h0', '--direction', 'rx', '--sampling', '1/1', '--polling', '0'];
	const dead = ['--collector', '127.0.0.1:6399', '--collector', '203.0.113.1'];
	const sflow = await SflowCommand.start(lab, host, ...args, ...dead);
	for (let i = 0; i < 5; i++) {
		await client.send('c0', udpFrame(100), 100);
		await until(() => sflow.lines.at(-1)?.sflow.flowSamples === (i + 1) * 100, 'samples');
	}
	const { last, flows } = await sflow.end();
	expect(flows).toHaveLength(500);
	const [refusing, unreachable, alive] = last.sflow.collectors;
	expect(refusing?.refused).toBeGreaterThan(0);
	expect(unreachable).toMatchObject({ sent: 0, lastError: 'ENETUNREACH' });
	expect(alive).toMatchObject({ sent: last.sflow.datagrams, failed: 0, dropped: 0, refused: 0 });
});

const WRONG: { what: string; args: string[]; says: RegExp; code?: number }[] = [
	{ what: 'no collector', args: ['h0'], says: /--collector/ },
	{ what: 'a bad collector', args: ['h0', '--collector', '1.2.3'], says: /HOST:PORT/ },
	{ what: 'a bad port', args: ['h0', '--collector', '192.0.2.9:70000'], says: /HOST:PORT/ },
	{
		what: 'a collector twice',
		args: ['h0', '--collector', '192.0.2.9', '--collector', '192.0.2.9:6343'],
		says: /twice/,
	},
	...[
		{ option: ['--sampling', 'every:10'], says: /1\/N/ },
		{ option: ['--sampling', '10'], says: /1\/N|1\/10/ },
		{ option: ['--polling', 'soon'], says: /--polling/ },
		{ option: ['--header', '10'], says: /64/ },
		{ option: ['--header', '2000'], says: /1024/ },
		{ option: ['--max-samples', '0'], says: /--max-samples/ },
		{ option: ['--agent', 'me'], says: /address/ },
		{ option: ['--direction', 'up'], says: /rx, tx, both/ },
		{ option: ['--internal-port', '7'], says: /internal, unknown/ },
		{ option: ['-f', 'nonsense traffic'], says: /filter|syntax|expression/ },
		{ option: ['--hook', 'xdp'], says: /--hook/ },
	].map(({ option, says }) => ({
		what: option.join(' '),
		args: ['h0', '--collector', '192.0.2.9', ...option],
		says,
	})),
	{
		what: 'no such interface',
		args: ['nothere', '--collector', '192.0.2.9', '--agent', '192.0.2.1'],
		says: /no interface/,
		code: 3,
	},
];

test('what a user gets wrong', async () => {
	await using lab = new Lab();
	const { host } = scene(lab);
	for (const { what, args, says, code = 2 } of WRONG) {
		const end = await host.xspan('sflow', ...args).finished;
		expect(end.code, `${what}: ${end.stderr}`).toBe(code);
		expect(end.stderr, what).toMatch(says);
		expect(end.stdout, what).toBe('');
	}
});

test('an interface in another namespace has no ifIndex of this host', async () => {
	await using lab = new Lab();
	const { client, host } = scene(lab);
	lab.wire(client, 'x0', client, 'x1');
	const source = `netns:${client.namespace}/x0`;
	const collector = ['--collector', '192.0.2.9', '--agent', '192.0.2.1'];
	const end = await host.xspan('sflow', source, ...collector).finished;
	expect(end.code).toBe(5);
	expect(end.stderr).toMatch(/another network namespace/);
});

test('a namespace with a veth pair is known by its end here', async () => {
	await using lab = new Lab();
	const { client, host } = scene(lab);
	const source = `netns:${client.namespace}/c0`;
	const args = [source, '--direction', 'tx', '--sampling', '1/1', '--polling', '0'];
	const sflow = await SflowCommand.start(lab, host, ...args);
	await client.send('c0', udpFrame(100), 7);
	const { last, flows } = await sflow.end();
	const ifindex = host.ifindex('h0');
	expect(last.sflow.sources).toMatchObject([{ source: 'h0', ifindex, pool: 7 }]);
	expect(flows.map(({ source }) => source.index)).toEqual(new Array(7).fill(ifindex));
});

test('a TUN interface: packets without Ethernet', async () => {
	await using lab = new Lab();
	const { host } = scene(lab);
	const tun = host.spawn('python3', ['test/harness/programs/tun.py', 'tun0']);
	await tun.says(/ready/);
	host.ip('link', 'set', 'tun0', 'up');
	host.ip('address', 'add', '10.9.0.2/24', 'dev', 'tun0');
	const args = ['tun0', '--direction', 'rx', '--sampling', '1/1', '--polling', '0'];
	const sflow = await SflowCommand.start(lab, host, ...args, '-f', 'udp dst port 9');
	const packet = udpFrame(100).subarray(14);
	tun.child.stdin?.write(`${packet.toString('hex')}\n`);
	await until(() => sflow.lines.at(-1)?.sflow.flowSamples === 1, 'a sample');
	const { flows } = await sflow.end();
	expect(flows[0]).toMatchObject({
		input: { format: 0, value: host.ifindex('tun0') },
		output: { format: 0, value: INTERNAL_PORT },
	});
	expect(flows[0]?.records['sampled_header']).toMatchObject({
		header_protocol: 11,
		frame_length: packet.length,
		stripped: 0,
		header: packet.toString('hex'),
	});
});
