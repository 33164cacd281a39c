/** The agent as a whole, with a collector on loopback and a clock of the test. */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { type SflowAgent, type SflowAgentOptions, startSflow } from '../../../src/sflow/agent.ts';
import type { FlowSample } from '../../../src/sflow/sample.ts';
import type { SflowSpec } from '../../../src/sflow/spec.ts';
import { counters, decode, flowSample, flows } from '../../harness/sflow.ts';

let receiver: Socket;
let received: string[];
let agent: SflowAgent;

beforeEach(async () => {
	received = [];
	receiver = createSocket('udp4').bind(0, '127.0.0.1');
	receiver.on('message', (bytes) => received.push(bytes.toString('hex')));
	await once(receiver, 'listening');
});

afterEach(async () => {
	vi.useRealTimers();
	await agent.close();
	receiver.close();
});

async function start(spec: Partial<SflowSpec> = {}, options: SflowAgentOptions = {}) {
	const collectors = [`127.0.0.1:${receiver.address().port}`];
	agent = await startSflow({ collectors, agent: '192.0.2.1', pollingMs: 0, ...spec }, options);
}

/** Ends the agent; what the collector got of it. */
async function decoded() {
	const { datagrams } = await agent.close();
	while (received.length < datagrams) await new Promise(setImmediate);
	return decode(received);
}

async function* batches(...all: FlowSample[][]): AsyncGenerator<FlowSample[]> {
	yield* all;
}

test('sources come and go; each has its own sequence', async () => {
	await start();
	agent.addSource(1);
	agent.addSource(2);
	const [one, two, three] = [1, 2, 3].map((source) => flowSample({ source })) as [
		FlowSample,
		FlowSample,
		FlowSample,
	];
	await agent.run(batches([one, two, one], [three, one]));
	agent.removeSource(1);
	agent.sample(one);
	agent.addSource(3);
	agent.addSource(2);
	agent.sample(two);
	agent.sample(three);
	expect(agent.status).toMatchObject({ flowSamples: 6, strays: 2, agent: '192.0.2.1' });
	const got = flows(await decoded()).map(({ source, sequence }) => [source.index, sequence]);
	expect(got).toEqual([
		[1, 1],
		[2, 1],
		[1, 2],
		[1, 3],
		[2, 2],
		[3, 1],
	]);
});

test('a program gets the samples that are exported, as they are', async () => {
	const seen: FlowSample[] = [];
	await start({}, { onSample: (sample) => void seen.push(sample) });
	agent.addSource(1);
	const sample = flowSample();
	agent.sample(sample);
	agent.sample(flowSample({ source: 9 }));
	expect(seen).toEqual([sample]);
	expect(flows(await decoded())).toHaveLength(1);
});

test('a super-frame is exported as the frames that it becomes', async () => {
	await start();
	agent.addSource(1);
	agent.sample(flowSample({ segments: 3, frameLength: 1514, lastLength: 200 }));
	expect(agent.status.flowSamples).toBe(3);
	const lengths = flows(await decoded()).map(
		({ records }) => records['sampled_header']?.['frame_length'],
	);
	expect(lengths).toEqual([1518, 1518, 204]);
});

test('above the maximum of samples the rate backs off, and the samples carry their own', async () => {
	const rates: number[] = [];
	vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'performance'] });
	const spec = { sampling: 1000, maxSamplesPerSecond: 100 };
	await start(spec, { onRate: (rate) => void rates.push(rate) });
	agent.addSource(1);
	for (let i = 0; i < 350; i++) agent.sample(flowSample({ rate: 1000 }));
	vi.advanceTimersByTime(1000);
	expect(rates).toEqual([4000]);
	expect(agent.status.rate).toBe(4000);
	agent.sample(flowSample({ rate: 4000 }));
	vi.advanceTimersByTime(5000);
	expect(rates).toEqual([4000, 2000]);
	vi.useRealTimers();
	const sent = flows(await decoded()).map(({ rate }) => rate);
	expect(sent).toEqual([...Array(350).fill(1000), 4000]);
});

test('without polling there are no counters; with it, of the host and of each source', async () => {
	vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
	await start({ pollingMs: 20_000 });
	agent.addSource(1);
	agent.addSource(4_000_000);
	for (let second = 0; second < 60; second++) await vi.advanceTimersByTimeAsync(1000);
	vi.useRealTimers();
	const got = counters(await decoded()).map(({ source, sequence, records }) => [
		`${source.class}:${source.index}`,
		sequence,
		Object.keys(records)[0],
	]);
	for (const [source, record] of [
		['2:1', 'host_descr'],
		['0:1', 'if_counters'],
	])
		expect(got.filter(([each]) => each === source).slice(0, 3)).toEqual([
			[source, 1, record],
			[source, 2, record],
			[source, 3, record],
		]);
	expect(got.length).toBeLessThanOrEqual(7);
	expect(got.map(([source]) => source)).not.toContain('0:4000000');
});
