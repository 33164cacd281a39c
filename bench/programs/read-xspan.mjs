// read-xspan.mjs BUFFER_BYTES: reads two fields of every frame of mon0 through the library.
// {do: 'read'}: starts its loop. {do: 'all'}: the load has ended; answers with what was read, and in
// which time, once that is everything.
import { capture } from '../../dist/index.js';

const bufferBytes = Number(process.argv[2]);
const session = await capture({ sources: ['mon0'], direction: 'rx', bufferBytes });
const total = { records: 0, bytes: 0, lastMs: 0, ms: 0 };
let wanted = Number.POSITIVE_INFINITY;

/** @param {import('../../dist/index.js').FrameBatch} batch */
function readBatch(batch) {
	let bytes = 0;
	let lastMs = 0;
	for (const frame of batch) {
		bytes += frame.wireLength;
		lastMs = frame.timeMs;
	}
	total.bytes += bytes;
	total.lastMs = lastMs;
	total.records += batch.length;
}

async function read() {
	let start = 0;
	for await (const batch of session.frames()) {
		start ||= performance.now();
		readBatch(batch);
		total.ms = performance.now() - start;
		if (total.records >= wanted) break;
	}
}

async function readAll() {
	const { seen, lost } = session.ledger();
	wanted = seen.frames - lost.frames;
	if (total.records >= wanted) void session.close();
	const { ledger } = await session.done;
	process.send?.({ ...total, lost: ledger.lost.frames });
	process.disconnect?.();
}

process.on('message', (/** @type {{do: 'read' | 'all'}} */ order) => {
	if (order.do === 'all') return void readAll();
	void read();
	process.send?.({ reading: true });
});
process.send?.({ ready: true });
