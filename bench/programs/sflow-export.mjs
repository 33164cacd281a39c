/**
 * How many flow samples the agent encodes, puts into datagrams and sends in a second of CPU time.
 * Usage: node bench/programs/sflow-export.mjs [samples] [port on 127.0.0.1]
 */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { startSflow } from '../../dist/sflow/agent.js';

const samples = Number(process.argv[2] ?? 1_000_000);
const receiver = createSocket('udp4');
receiver.bind(Number(process.argv[3] ?? 0), '127.0.0.1');
await once(receiver, 'listening');

const agent = await startSflow({
	collectors: [`127.0.0.1:${receiver.address().port}`],
	agent: '127.0.0.1',
	pollingMs: 0,
});
agent.addSource(1);

const sample = {
	source: 1,
	direction: 'rx',
	protocol: 'ethernet',
	header: Buffer.alloc(128, 0x5a),
	frameLength: 1514,
	segments: 1,
	input: 1,
	output: 2,
	timestampNs: 1_700_000_000_123_456_789n,
	vlan: { sourceVlan: 7, sourcePriority: 0, destinationVlan: 7, destinationPriority: 0 },
	router: { nextHop: Buffer.from([10, 0, 0, 1]), sourceMask: 24, destinationMask: 24 },
	rate: 1000,
	pool: 0,
	drops: 0,
};

const cpu = process.cpuUsage();
const start = performance.now();
for (let sent = 0; sent < samples; sent++) {
	sample.pool += 1000;
	sample.timestampNs += 5000n;
	agent.sample(sample);
	// A batch of the drain thread, then the event loop has its turn.
	if (sent % 500 === 499) await new Promise(setImmediate);
}
const { datagrams, collectors } = await agent.close();
const seconds = (performance.now() - start) / 1000;
const used = process.cpuUsage(cpu);
receiver.close();
console.log(
	JSON.stringify({
		samplesPerSecond: Math.round(samples / seconds),
		samplesPerCpuSecond: Math.round((samples * 1e6) / (used.user + used.system)),
		datagrams,
		sent: collectors[0].sent,
		dropped: collectors[0].dropped,
		failed: collectors[0].failed,
		rssMiB: Math.round(process.memoryUsage.rss() / 2 ** 20),
	}),
);
