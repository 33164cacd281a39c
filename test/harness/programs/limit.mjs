// limit.mjs INTERFACE: a capture at one frame a second after a burst of 50; the first line on standard
// input raises the limit, the second ends the session. Prints the final ledger.
import { createInterface } from 'node:readline';
import { capture } from '../../../dist/index.js';

const session = await capture({
	sources: [process.argv[2]],
	direction: 'rx',
	limit: { unit: 'frames', perSecond: 1, burst: 50 },
});
const reading = (async () => {
	for await (const batch of session.frames()) if (batch.length === 0) return;
})();
console.error('ready');
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
await lines.next();
await session.update({ limit: { unit: 'frames', perSecond: 1e6, burst: 1e6 } });
console.error('updated');
await lines.next();
process.stdin.destroy();
const end = await session.stop();
await reading;
console.log(JSON.stringify(end.ledger));
