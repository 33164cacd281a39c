// worker.mjs HOW SINK: a session on h0 in a worker thread, under traffic, that ends HOW:
// terminate (by its parent), exit (process.exit in the worker), throw (in the consumer), close.
// SINK is frames, a port, or the path of a file. The parent says what became of the worker and lives on.
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { capture, mirror } from '../../../dist/index.js';

const ENOUGH = 20_000;

async function consume(how, session) {
	let frames = 0;
	let busy = false;
	for await (const batch of session.frames()) {
		for (const frame of batch) frames += frame.segments;
		if (frames < ENOUGH) continue;
		if (!busy) parentPort.postMessage('busy');
		busy = true; // a worker that is terminated goes on for a while
		if (how === 'exit') process.exit(5);
		if (how === 'throw') throw new Error('of the consumer');
		if (how === 'close') return;
	}
}

/** Waits until the session itself has delivered enough. */
async function wait(how, session) {
	while (session.ledger().delivered.frames < ENOUGH)
		await new Promise((done) => setTimeout(done, 5));
	parentPort.postMessage('busy');
	if (how === 'exit') process.exit(5);
	if (how === 'throw') throw new Error('of the consumer');
	if (how === 'close') await session.close();
	else await session.done;
}

function open(sink, source) {
	if (sink === 'frames') return capture(source);
	if (sink === 'a port') return mirror({ ...source, to: 'port:m0' });
	return capture({ ...source, write: { path: sink } });
}

async function work({ how, sink }) {
	const session = await open(sink, { sources: ['h0'], direction: 'rx' });
	parentPort.postMessage('attached');
	await (sink === 'frames' ? consume : wait)(how, session);
}

function watch([how, sink]) {
	const worker = new Worker(new URL(import.meta.url), { workerData: { how, sink } });
	worker.on('message', (what) => {
		console.log(what);
		if (what === 'busy' && how === 'terminate') void worker.terminate();
	});
	worker.on('error', (error) => console.log(`error: ${error.message}`));
	worker.on('exit', (code) => console.log(`gone: ${code}`));
	process.on('SIGUSR2', () => process.exit(42)); // the test has seen enough
	setInterval(() => {}, 1000);
}

if (isMainThread) watch(process.argv.slice(2));
else await work(workerData);
