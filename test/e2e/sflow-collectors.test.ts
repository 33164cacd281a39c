/** Collectors that are dead, out of reach or slow: the others notice nothing, and nothing waits. */
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type Host, Lab, type Run, until } from '../harness/lab.ts';
import { Listener } from '../harness/readers.ts';
import { cable } from '../harness/scene.ts';
import { AgentProcess, decode, flowSample, flows, payloads } from '../harness/sflow.ts';

const PORT = 6343;

const KERNEL_DROPS = 5;

async function receiver(host: Host): Promise<Run> {
	const args = ['test/harness/programs/udp-receive.py', String(PORT), '1000000'];
	const run = host.spawn('python3', args);
	await run.says(/listening/);
	return run;
}

/** The agent's host, with a collector on a cable of its own: 10.8.N.1 -- 10.8.N.2. */
function collectorHost(lab: Lab, agent: Host, n: number): Host {
	const host = lab.host(`collector${n}`);
	cable(agent, `c${n}`, host, 'eth0', lab);
	agent.ip('address', 'add', `10.8.${n}.1/24`, 'dev', `c${n}`);
	host.ip('address', 'add', `10.8.${n}.2/24`, 'dev', 'eth0');
	return host;
}

/** One datagram with one sample each time. */
async function send(agent: AgentProcess, times: number): Promise<void> {
	for (let i = 0; i < times; i++) {
		const before = (await agent.status()).datagrams;
		agent.sample(flowSample({ drops: KERNEL_DROPS }));
		await until(async () => (await agent.status()).datagrams > before, 'the next datagram');
	}
}

const sequences = (file: string): number[] =>
	decode(payloads(file, PORT)).map(({ sequence }) => sequence);

test('a collector that dies and comes back', async () => {
	await using lab = new Lab();
	const host = lab.host('agent');
	const [one, two] = [collectorHost(lab, host, 1), collectorHost(lab, host, 2)];
	await receiver(one);
	const mortal = await receiver(two);
	const file = join(lab.directory(), 'one.pcap');
	const listener = await Listener.start(one, 'eth0', file);
	const agent = await AgentProcess.start(host, {
		collectors: ['10.8.1.2', '10.8.2.2'],
		pollingMs: 0,
	});
	agent.add(1);
	await send(agent, 2);
	await mortal.stop('SIGKILL');
	await send(agent, 4);
	const dead = (await agent.status()).collectors[1];
	expect(dead?.refused).toBeGreaterThan(0);
	expect(dead?.lastError).toBe('ECONNREFUSED');
	await receiver(two);
	await send(agent, 2);
	const before = (await agent.status()).collectors[1];
	await send(agent, 2);
	const { collectors, datagrams, agent: address } = await agent.close();
	expect(collectors[1]?.sent).toBe((before?.sent as number) + 2);
	expect(datagrams).toBe(10);
	expect(collectors[0]).toMatchObject({ sent: 10, failed: 0, dropped: 0, refused: 0 });
	await until(() => sequences(file).length === 10, '10 datagrams');
	expect(sequences(file)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
	expect(decode(payloads(file, PORT))[0]?.agent).toBe(address);
	await listener.hears(10);
});

test('a route that is missing and comes, over IPv4 and IPv6', async () => {
	await using lab = new Lab();
	const host = lab.host('agent');
	const one = collectorHost(lab, host, 1);
	for (const [where, name, end] of [
		[host, 'c1', 1],
		[one, 'eth0', 2],
	] as const) {
		where.exec('sh', '-c', `echo 0 > /proc/sys/net/ipv6/conf/${name}/disable_ipv6`);
		where.ip('address', 'add', `2001:db8::${end}/64`, 'dev', name, 'nodad');
	}
	one.ip('address', 'add', '203.0.113.9/32', 'dev', 'lo');
	one.ip('address', 'add', '2001:db8:9::9/128', 'dev', 'lo', 'nodad');
	const agent = await AgentProcess.start(host, {
		collectors: ['203.0.113.9', '[2001:db8:9::9]:6343'],
		agent: '10.8.1.1',
		pollingMs: 0,
	});
	agent.add(1);
	await send(agent, 2);
	for (const collector of (await agent.status()).collectors)
		expect(collector).toMatchObject({
			sent: 0,
			failed: 2,
			address: null,
			lastError: 'ENETUNREACH',
		});
	const listener = await Listener.start(one, 'eth0', join(lab.directory(), 'one.pcap'));
	await receiver(one);
	host.ip('route', 'add', '203.0.113.9', 'via', '10.8.1.2');
	host.ip('-6', 'route', 'add', '2001:db8:9::9', 'via', '2001:db8::2');
	await until(
		async () => (await agent.status()).collectors.every(({ address }) => address !== null),
		'routes to both',
	);
	await send(agent, 2);
	// The route of one of them goes away under a connected socket.
	host.ip('route', 'del', '203.0.113.9');
	await send(agent, 2);
	const { collectors } = await agent.close();
	expect(collectors).toMatchObject([
		{ sent: 2, failed: 4, lastError: 'ENETUNREACH' },
		{ sent: 4, failed: 2 },
	]);
	await listener.hears(2);
});

test('a link that is too slow: nothing waits, and the losses are in later datagrams', async () => {
	await using lab = new Lab();
	const host = lab.host('agent');
	const [fast, slow] = [collectorHost(lab, host, 1), collectorHost(lab, host, 2)];
	await receiver(slow);
	await receiver(fast);
	const limit = ['rate', '1mbit', 'burst', '2000', 'limit', '100000000'];
	host.exec('tc', 'qdisc', 'add', 'dev', 'c2', 'root', 'tbf', ...limit);
	const file = join(lab.directory(), 'fast.pcap');
	const listener = await Listener.start(fast, 'eth0', file);
	const agent = await AgentProcess.start(host, {
		collectors: ['10.8.1.2', '10.8.2.2'],
		agent: '10.8.1.1',
		pollingMs: 0,
	});
	agent.add(1);
	for (let batch = 0; batch < 32; batch++) agent.sample(flowSample({ drops: KERNEL_DROPS }), 1000);
	await until(async () => (await agent.status()).flowSamples === 32_000, 'all samples');
	await send(agent, 1);
	const status = await agent.status();
	const [fine, lossy] = status.collectors;
	expect(fine).toMatchObject({ sent: status.datagrams, failed: 0, dropped: 0 });
	const dropped = lossy?.dropped as number;
	expect(dropped).toBeGreaterThan(0);
	await until(() => payloads(file, PORT).length >= status.datagrams, 'the last datagram');
	const read = decode(payloads(file, PORT));
	const numbers = read.map(({ sequence }) => sequence);
	expect(numbers).toEqual(Array.from({ length: status.datagrams }, (_, i) => i + 1));
	const last = flows(read).at(-1);
	expect(last?.sequence).toBe(32_001);
	// Every sample of a datagram that somebody missed; the fullest has so many.
	const most = Math.max(...read.map(({ samples }) => samples.length));
	const lost = (last?.drops as number) - KERNEL_DROPS;
	expect(lost).toBeGreaterThan(dropped * (most - 1));
	expect(lost).toBeLessThanOrEqual(dropped * most);
	agent.kill();
	await listener.hears(status.datagrams);
});
