// encapsulate.mjs: mirror ports in the namespace of the test, whose program runs frames that are never
// sent. Reads lines {spec, frames: [{hex, direction}]}, answers each with a line, see LoadedPorts.
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { planMirror, readHost } from '../../../dist/plan/plan.js';
import { MirrorPort, resolveNeighbour } from '../../../dist/session/mirror-port.js';
import { needsMarker } from '../../../dist/session/port-config.js';

const testkit = createRequire(import.meta.url)(
	join(import.meta.dirname, '../../../build/Release/testkit.node'),
);

/** What the outer end's program does: a tag whose TCI is 1 (received) or 2 (sent). */
function mark(frame, direction) {
	const tag = Buffer.from([0x81, 0, 0, direction === 'tx' ? 2 : 1]);
	return Buffer.concat([frame.subarray(0, 12), tag, frame.subarray(12)]);
}

function runFrame(port, { hex, direction }, marks) {
	const frame = Buffer.from(hex, 'hex');
	const input = marks ? mark(frame, direction) : frame;
	const options = { ingress: port.pair.inner };
	const { verdict, data, meta } = testkit.testRun(port.programs.fd(), input, options);
	const note = data.subarray(0, meta);
	return {
		verdict,
		hex: data.subarray(meta).toString('hex'),
		...(meta ? { uplink: note.readUInt32LE(0), length: note.readUInt32LE(4) } : {}),
	};
}

async function run({ spec, frames }) {
	const plan = planMirror(spec, readHost());
	const { destination } = plan;
	await resolveNeighbour(destination);
	const port = new MirrorPort(plan, destination, () => {});
	try {
		const marks = needsMarker(plan, destination.to);
		const from = Date.now();
		const runs = frames.map((frame) => runFrame(port, frame, marks));
		const to = Date.now();
		return { runs, ledger: port.counters(), sequence: port.programs.sequence(), from, to };
	} finally {
		port.close();
	}
}

console.log('ready');
for await (const line of createInterface({ input: process.stdin }))
	console.log(
		JSON.stringify(await run(JSON.parse(line)).catch((error) => ({ error: String(error) }))),
	);
