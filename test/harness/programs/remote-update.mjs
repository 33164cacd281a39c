// remote-update.mjs INTERFACE DESTINATION: a mirror whose filter is, one after the other, what each line
// on standard input says (empty: none). Prints the final ledger.
import { createInterface } from 'node:readline';
import { mirror } from '../../../dist/index.js';

const [name, to] = process.argv.slice(2);
const session = await mirror({ sources: [name], to });
console.log('ready');
for await (const filter of createInterface({ input: process.stdin })) {
	await session.update({ filter: filter || null });
	console.log(`updated "${filter}"`);
}
const { ledger } = await session.stop();
console.log(JSON.stringify({ ledger }));
