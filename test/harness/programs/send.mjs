// send.mjs INTERFACE FRAME_HEX COUNT NUMBER_AT: the traffic source, inside a namespace.
import { createRequire } from 'node:module';
import { join } from 'node:path';

const testkit = createRequire(import.meta.url)(
	join(import.meta.dirname, '../../../build/Release/testkit.node'),
);
const [name, hex, count, numberAt] = process.argv.slice(2);
const options = {
	ifindex: testkit.ifindex(name),
	frame: Buffer.from(hex, 'hex'),
	count: Number(count),
};
testkit.send(Number(numberAt) < 0 ? options : { ...options, numberAt: Number(numberAt) });
