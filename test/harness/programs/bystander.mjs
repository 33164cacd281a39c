// bystander.mjs HOOK INTERFACE: somebody else's program (xdp, rx or tx), there until this ends.
import { createRequire } from 'node:module';
import { join } from 'node:path';

const testkit = createRequire(import.meta.url)(
	join(import.meta.dirname, '../../../build/Release/testkit.node'),
);
const [hook, name] = process.argv.slice(2);
const bystander = new testkit.Bystander({ hook, ifindex: testkit.ifindex(name) });
console.log('attached');
setInterval(() => bystander.fd(), 2 ** 30);
