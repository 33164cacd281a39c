// many.mjs INTERFACE SESSIONS FIRST_PORT: sessions on one interface, each with the filter of its own
// port. Any message ends them; the answer is the ledger of each.
import { capture } from '../../dist/index.js';

const BUFFER_BYTES = 1 << 20;

const [name, sessions, firstPort] = process.argv.slice(2);
const open = [];
for (let i = 0; i < Number(sessions); i++)
	open.push(
		await capture({
			sources: [name],
			direction: 'rx',
			filter: `udp dst port ${Number(firstPort) + i}`,
			bufferBytes: BUFFER_BYTES,
			snaplen: 128,
		}),
	);

/** @param {typeof open[number]} session */
async function read(session) {
	for await (const _ of session.frames());
}
const readers = open.map(read);

process.on('message', async () => {
	const ends = await Promise.all(open.map((session) => session.stop()));
	await Promise.all(readers);
	process.send?.(ends.map((end) => end.ledger));
	process.disconnect?.();
});
process.send?.({ ready: true });
