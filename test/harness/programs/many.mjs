// many.mjs INTERFACE SESSIONS FIRST_PORT: sessions on one interface, each with the filter of its own
// port; ends on a line on standard input; prints the ledgers.
import { once } from 'node:events';
import { capture } from '../../../dist/index.js';

const [name, sessions, firstPort] = process.argv.slice(2);
const open = [];
for (let i = 0; i < Number(sessions); i++)
	open.push(
		await capture({
			sources: [name],
			direction: 'rx',
			filter: `udp dst port ${Number(firstPort) + i}`,
			bufferBytes: 1 << 20,
			snaplen: 64,
		}),
	);
const readers = open.map(async (session) => {
	let frames = 0;
	for await (const batch of session.frames()) frames += batch.length;
	return frames;
});
console.error('ready');
await once(process.stdin, 'data');
process.stdin.destroy();
const controllers = open.map((session) => session.stop());
const ends = await Promise.all(controllers);
const frames = await Promise.all(readers);
console.log(JSON.stringify(ends.map((end, i) => ({ frames: frames[i], ledger: end.ledger }))));
