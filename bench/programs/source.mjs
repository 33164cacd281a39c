// source.mjs INTERFACE: the traffic source, inside a namespace. Answers {frame, count} with {ns}.
import { createRequire } from 'node:module';
import { join } from 'node:path';

const testkit = createRequire(import.meta.url)(
	join(import.meta.dirname, '../../build/Release/testkit.node'),
);
const ifindex = testkit.ifindex(process.argv[2]);

function timedSend(/** @type {Buffer} */ frame, /** @type {number} */ count) {
	const start = process.hrtime.bigint();
	testkit.send({ ifindex, frame, count });
	return Number(process.hrtime.bigint() - start);
}

/** What loading and unloading the program costs beside the frames: one batch is nearly only that. */
function overhead() {
	const frame = Buffer.alloc(64);
	const times = Array.from({ length: 5 }, () => timedSend(frame, 64));
	return times.sort((a, b) => a - b)[2];
}

const fixed = overhead();

process.on('message', (/** @type {{frame: string, count: number}} */ order) => {
	const ns = timedSend(Buffer.from(order.frame, 'hex'), order.count) - fixed;
	process.send?.({ ns });
});
process.send?.({ ready: true, fixed });
