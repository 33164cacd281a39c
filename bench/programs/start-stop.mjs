// start-stop.mjs INTERFACE RUNS COMMAND...: starts a command again and again inside a namespace, and
// sends for each {attachedMs, saidMs, goneMs}: from start until a program is on both tcx hooks, until
// it says so on stderr, and from SIGINT until the process is gone.
import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const require = createRequire(import.meta.url);
const build = join(import.meta.dirname, '../../build/Release');
const { tcxPrograms } = require(join(build, 'xspan.node'));
const { ifindex } = require(join(build, 'testkit.node'));

const [name, runs, ...command] = process.argv.slice(2);
const index = ifindex(name);
const BOTH = [1, 2];
const PATIENCE_MS = 10_000;

const sleep = (/** @type {number} */ ms) => new Promise((done) => setTimeout(done, ms));
const attached = () => BOTH.every((direction) => tcxPrograms(index, direction)?.length > 0);

async function untilAttached(/** @type {number} */ start) {
	while (!attached()) {
		if (performance.now() - start > PATIENCE_MS) throw new Error('it never attached');
		await sleep(1);
	}
	return performance.now() - start;
}

async function once() {
	const start = performance.now();
	const child = spawn(command[0], command.slice(1), { stdio: ['ignore', 'ignore', 'pipe'] });
	const said = new Promise((resolve) => {
		child.stderr.once('data', () => resolve(performance.now() - start));
	});
	const attachedMs = await untilAttached(start);
	const saidMs = await said;
	await sleep(100);
	const exit = new Promise((resolve) => child.once('exit', resolve));
	const interrupted = performance.now();
	child.kill('SIGINT');
	await exit;
	return { attachedMs, saidMs, goneMs: performance.now() - interrupted };
}

const results = [];
for (let i = 0; i < Number(runs); i++) results.push(await once());
process.send?.(results);
process.disconnect?.();
