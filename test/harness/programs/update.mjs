// update.mjs INTERFACE COUNT NUMBER_AT: captures numbered frames while it changes the filter all the
// time between two that both match; prints what came, as JSON.
import { balances, capture, XspanError } from '../../../dist/index.js';

const [name, count, numberAt] = process.argv.slice(2);
const session = await capture({
	sources: [name],
	direction: 'rx',
	filter: 'udp',
	bufferBytes: 1 << 27,
	snaplen: 64,
});

/** So many before anything is sent; the one that is refused is among them. */
const WARM = 4;
let updates = 0;
let refused = null;
let isOver = false;
const updating = (async () => {
	for (; !isOver; updates++) {
		await session.update({ filter: updates % 2 ? 'udp' : 'udp dst port 9 and less 1000' });
		if (updates === WARM) console.error('updating');
		if (updates !== 3) continue;
		await session.update({ filter: 'udp and and' }).catch((error) => {
			refused = error instanceof XspanError ? error.code : String(error);
		});
	}
})();

let next = 0;
let wrong = 0;
for await (const batch of session.frames()) {
	const view = new DataView(batch.buffer);
	for (const frame of batch) {
		const number = Number(view.getBigUint64(frame.byteOffset + Number(numberAt), true));
		if (number !== next) wrong++;
		next = number + 1;
	}
	if (next < Number(count)) continue;
	isOver = true;
	await updating;
	break;
}
const end = await session.done;
console.log(
	JSON.stringify({
		next,
		wrong,
		updates,
		refused,
		balances: balances(end.ledger),
		ledger: end.ledger,
	}),
);
