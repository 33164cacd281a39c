/** Many sessions with mirror ports, made and removed: nothing is left of any. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { udpFrame } from '../harness/frames.ts';
import { allHooks, freed, hooks, programs, state } from '../harness/hooks.ts';
import { type Host, Lab, until } from '../harness/lab.ts';
import { Collector, EVERYTHING, remote, sendAll } from '../harness/remote.ts';
import { root } from '../harness/testkit.ts';

/** Each takes the kernel a quarter of a second of waiting for all CPUs: XSPAN_MANY=1000 takes minutes. */
const SESSIONS = Number(process.env['XSPAN_MANY'] ?? 60);
const AT_A_TIME = 20;

interface IpLink {
	ifname: string;
	xdp?: { prog: { id: number } };
}

const links = (host: Host): IpLink[] => JSON.parse(host.ip('-json', '-d', 'link', 'show'));

test(`${SESSIONS} sessions, ${AT_A_TIME} at a time`, {
	timeout: 60_000 + SESSIONS * 4000,
}, async () => {
	await using lab = new Lab();
	const { client, host, collector } = remote(lab);
	const before = [allHooks(host), state(host)];
	const notes = lab.directory();
	const program = join(root, 'test/harness/programs/remote-many.mjs');
	const args = ['--expose-gc', program, 'h0', String(SESSIONS), String(AT_A_TIME)];
	const run = host.spawn(process.execPath, args, { env: { XSPAN_RUN_DIR: notes } });
	await run.says(/^crowd$/m, SESSIONS * 3000);

	const crowd = links(host).filter((link) => /^xspan\d+-in$/.test(link.ifname));
	expect(crowd).toHaveLength(AT_A_TIME);
	expect(readdirSync(notes)).toHaveLength(1);
	const attached = [
		...crowd.flatMap((link) => (link.xdp ? [link.xdp.prog.id] : [])),
		...programs(hooks(host, 'h0')),
		...programs(hooks(host, 'xspan0')),
		...programs(hooks(host, 'xspan0-in')),
	];
	expect(attached.length).toBeGreaterThan(3 * AT_A_TIME);

	// Each session gets its copy, however many there are.
	const ear = await Collector.start(collector, lab, 'k0', EVERYTHING);
	await sendAll(client, 'c0', [udpFrame(100)]);
	const payload = udpFrame(100).subarray(14);
	const copies = () => ear.frames().filter((frame) => frame.includes(payload)).length;
	await until(() => copies() >= AT_A_TIME, 'a copy of each session');
	expect(copies()).toBe(AT_A_TIME);

	run.child.stdin?.end('end\n');
	const { code, stdout, stderr } = await run.finished;
	expect(code, stderr).toBe(0);
	const { before: fdsBefore, after } = JSON.parse(stdout.split('\n').at(-2) as string);
	expect(after).toBe(fdsBefore);
	expect(readdirSync(notes)).toEqual([]);
	expect([allHooks(host), state(host)]).toEqual(before);
	await freed(attached);
});
