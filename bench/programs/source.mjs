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

const RECENT = 9;
/** @type {number[]} */
const overheads = [];

/**
 * What loading and unloading the program costs beside the frames: one frame is nearly only that. It
 * depends on what else the machine does, so it is measured anew before every load.
 */
function overhead() {
	overheads.push(timedSend(Buffer.alloc(64), 1));
	if (overheads.length > RECENT) overheads.shift();
	return [...overheads].sort((a, b) => a - b)[overheads.length >> 1];
}

for (let i = 0; i < RECENT; i++) overhead();

process.on('message', (/** @type {{frame: string, count: number}} */ order) => {
	const fixed = overhead();
	const ns = timedSend(Buffer.from(order.frame, 'hex'), order.count) - fixed;
	process.send?.({ ns });
});
process.send?.({ ready: true });
