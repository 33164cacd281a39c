// bystanders.mjs HOOK INTERFACE COUNT: so many programs of somebody else's, there until this ends.
import { createRequire } from 'node:module';
import { join } from 'node:path';

const testkit = createRequire(import.meta.url)(
	join(import.meta.dirname, '../../../build/Release/testkit.node'),
);
const [hook, name, count] = process.argv.slice(2);
const ifindex = testkit.ifindex(name);
const all = Array.from({ length: Number(count) }, () => new testkit.Bystander({ hook, ifindex }));
console.log('attached');
setInterval(() => all[0].fd(), 2 ** 30);
