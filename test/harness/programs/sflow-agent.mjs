// sflow-agent.mjs SPEC: an agent whose samples come from the test: one JSON command per line of stdin.
//   {"add": 2}  {"remove": 2}          sources
//   {"sample": {...}, "times": 10, "poolStep": 1000}   bytes in hexadecimal, ns as text
//   {"status": true}  {"close": true}  print the status as JSON; close also ends
import { createInterface } from 'node:readline';
import { startSflow } from '../../../dist/sflow/agent.js';

const agent = await startSflow(JSON.parse(process.argv[2]), {
	onNotice: (notice) => console.error(JSON.stringify(notice)),
	onRate: (rate) => console.error(JSON.stringify({ rate })),
});
console.log('ready');

const typed = ({ header, timestampNs, router, ...sample }) => ({
	...sample,
	header: Buffer.from(header, 'hex'),
	timestampNs: BigInt(timestampNs),
	...(router ? { router: { ...router, nextHop: Buffer.from(router.nextHop, 'hex') } } : {}),
});

for await (const line of createInterface({ input: process.stdin })) {
	const command = JSON.parse(line);
	if (command.add) agent.addSource(command.add);
	if (command.remove) agent.removeSource(command.remove);
	if (command.sample) {
		const sample = typed(command.sample);
		for (let i = 0; i < (command.times ?? 1); i++) {
			agent.sample(sample);
			sample.pool += command.poolStep ?? 0;
		}
	}
	// Each command in a turn of its own, as batches come from the kernel.
	await new Promise(setImmediate);
	if (command.status) console.log(JSON.stringify(agent.status));
	if (command.close) {
		console.log(JSON.stringify(await agent.close()));
		break;
	}
}
process.stdin.destroy();
