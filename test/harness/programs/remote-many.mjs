// remote-many.mjs INTERFACE SESSIONS AT_A_TIME: tunnels of all kinds, made and closed again, some at a time.
// The last ones wait for a line on standard input. Prints how many file descriptors there were before and
// are after. Run with --expose-gc.
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { mirror } from '../../../dist/index.js';

const [name, sessions, atATime] = process.argv.slice(2);
const kinds = [
	'vxlan://192.0.2.9?vni=1',
	'erspan://192.0.2.9?session=1&version=3',
	'geneve://[2001:db8::9]?vni=1&meta=1',
	'rspan:u0?vlan=900',
];

async function fds() {
	await new Promise((resolve) => setTimeout(resolve, 100));
	global.gc();
	await new Promise((resolve) => setTimeout(resolve, 100));
	return readdirSync('/proc/self/fd').length;
}

async function round(first, count, crowded) {
	const open = [];
	for (let i = first; i < first + count; i++)
		open.push(await mirror({ sources: [name], to: kinds[i % kinds.length] }));
	await crowded?.();
	await Promise.all(open.map((session) => session.close()));
}

const input = once(process.stdin, 'data');
await round(0, 1); // what a process opens once and keeps
const before = await fds();
const last = Number(sessions) - Number(atATime);
for (let i = 0; i < last; i += Number(atATime)) await round(i, Number(atATime));
await round(last, Number(atATime), async () => {
	console.log('crowd');
	await input;
});
console.log(JSON.stringify({ before, after: await fds() }));
process.stdin.destroy();
