// send.mjs INTERFACE FRAME_HEX COUNT NUMBER_AT: the traffic source, inside a namespace.
// Ends when the other side of the veth has received the frames, with an error when it did not.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const PATIENCE_MS = 20_000;

const testkit = createRequire(import.meta.url)(
	join(import.meta.dirname, '../../../build/Release/testkit.node'),
);
const [name, hex, count, numberAt] = process.argv.slice(2);
const options = {
	ifindex: testkit.ifindex(name),
	frame: Buffer.from(hex, 'hex'),
	count: Number(count),
};

const TX_PACKETS = 9;

/** A veth counts a redirected frame as sent when its peer has received it. */
function arrived() {
	const lines = readFileSync('/proc/self/net/dev', 'utf8').split('\n');
	const line = lines.find((text) => text.trim().startsWith(`${name}:`));
	return Number(line?.split(':')[1]?.trim().split(/\s+/)[TX_PACKETS]);
}

const goal = arrived() + Number(count);
testkit.send(Number(numberAt) < 0 ? options : { ...options, numberAt: Number(numberAt) });
const deadline = Date.now() + PATIENCE_MS;
while (arrived() < goal && Date.now() < deadline) await sleep(1);
if (arrived() < goal) throw new Error(`${goal - arrived()} of ${count} frames did not arrive`);
