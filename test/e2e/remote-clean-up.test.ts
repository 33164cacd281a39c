/** A mirror port is there while its session is, and not a moment longer; nothing else changes. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { udpFrame } from '../harness/frames.ts';
import { allHooks, state } from '../harness/hooks.ts';
import { type Host, Lab, type Run, until } from '../harness/lab.ts';
import { attached, type Observed, observe } from '../harness/observed.ts';
import {
	COLLECTOR,
	Collector,
	decode,
	EVERYTHING,
	FORMATS,
	remote,
	sendAll,
	UPLINK_MAC,
} from '../harness/remote.ts';
import { root } from '../harness/testkit.ts';

const TO = FORMATS.geneveMeta.to(COLLECTOR[4]);
const TO6 = FORMATS.erspan3.to(COLLECTOR[6]);

/** xspan with a place of its own for what it writes down. */
function xspan(host: Host, notes: string, ...args: string[]): Run {
	const command = [join(root, 'dist/cli/main.js'), ...args];
	return host.spawn(process.execPath, command, { env: { XSPAN_RUN_DIR: notes } });
}

const mirror = (host: Host, notes: string, ...more: string[]): Promise<Observed> =>
	attached(xspan(host, notes, 'mirror', 'h0', ...more, '--json', '--interval', '20ms'));

const names = (host: Host): string[] =>
	JSON.parse(host.ip('-json', 'link', 'show')).map((link: { ifname: string }) => link.ifname);

const notesIn = (directory: string): string[] =>
	existsSync(directory) ? readdirSync(directory) : [];

/** What must be the same after a session as before it. */
const everything = (host: Host) => ({
	hooks: allHooks(host),
	state: state(host),
	routes: host.ip('route', 'show', 'table', 'all'),
	sysctls: host.exec('sh', '-c', 'grep -r . /proc/sys/net/ipv[46]/conf/*/forwarding'),
});

/** BPF_MPROG_MAX in kernel/bpf/mprog.c. */
const MOST_PROGRAMS = 63;

const PROMISCUITY = 'promiscuity';

function expectNotPromiscuous(host: Host): void {
	for (const link of JSON.parse(host.ip('-json', '-d', 'link', 'show')))
		expect(link[PROMISCUITY], link.ifname).toBe(0);
}

test.each([
	{ what: 'on Ctrl-C', args: [], end: 'aborted' },
	{ what: 'at the end of --duration', args: ['--duration', '700ms'], end: 'duration' },
	{ what: 'at the end of --count', args: ['--count', '1'], end: 'count' },
])('$what its devices go, and nothing else has changed', async ({ args, end }) => {
	await using lab = new Lab();
	const { client, host } = remote(lab);
	const notes = join(lab.directory(), 'run');
	const before = everything(host);
	for (const to of [TO, TO6, 'rspan:u0?vlan=900']) {
		const session = await mirror(host, notes, '--to', to, ...args);
		if (end !== 'duration') {
			expect(names(host)).toEqual(['lo', 'h0', 'u0', 'xspan0', 'xspan0-in']);
			expect(notesIn(notes)).toHaveLength(1);
			expectNotPromiscuous(host);
		}
		if (end === 'count') await sendAll(client, 'c0', [udpFrame(100)]);
		const { line } = end === 'aborted' ? await session.stop() : await session.ends();
		expect(line.end).toBe(end);
		expect(names(host)).toEqual(['lo', 'h0', 'u0']);
		expect(notesIn(notes)).toEqual([]);
	}
	expect(everything(host)).toEqual(before);
});

test('at clsact, where there is no tcx: the same copies, and nothing stays', async () => {
	await using lab = new Lab();
	const { client, host, collector } = remote(lab);
	const before = everything(host);
	const ear = await Collector.start(collector, lab);
	const session = await observe(host, 'mirror', 'h0', '--to', TO6, '--hook', 'clsact');
	await sendAll(client, 'c0', [udpFrame(100), udpFrame(101, { tags: [{ id: 5 }] })]);
	await session.sees(2);
	await sendAll(host, 'h0', [udpFrame(102), udpFrame(103, { tags: [{ id: 6 }] })]);
	await session.sees(4);
	const { line } = await session.stop();
	expect(line.ledger.delivered).toEqual({ frames: 4, bytes: 100 + 105 + 102 + 107 });
	await ear.collects(4);
	const rows = decode(ear.file, ['erspan.direction', 'vlan.id']);
	expect(rows.map((row) => [row['erspan.direction'][0], row['vlan.id'][0]])).toEqual([
		['0', undefined],
		['0', '5'],
		['1', undefined],
		['1', '6'],
	]);
	expect(everything(host)).toEqual(before);
});

test('while a session runs, the other interfaces are as they were', async () => {
	await using lab = new Lab();
	const { host } = remote(lab);
	const [before, hooks] = [state(host), allHooks(host)];
	const session = await observe(host, 'mirror', 'h0', '--to', TO6);
	const others = (state(host) as { ifname: string }[]).filter(
		({ ifname }) => !ifname.startsWith('xspan'),
	);
	expect(others).toEqual(before);
	expect(allHooks(host)).toMatchObject({ u0: hooks['u0'], lo: hooks['lo'] });
	await session.stop();
});

test('a tap that cannot be attached takes the mirror port along', async () => {
	await using lab = new Lab();
	const { host } = remote(lab);
	const notes = join(lab.directory(), 'run');
	// The second source has no room for one more program.
	lab.wire(host, 'd0', lab.host('other'), 'd1');
	await host.program('bystanders.mjs', 'rx', 'd0', String(MOST_PROGRAMS)).says(/attached/);
	const before = everything(host);
	const args = ['mirror', 'h0', 'd0', '--to', TO6];
	const { code, stderr } = await xspan(host, notes, ...args).finished;
	expect(code, stderr).toBe(5);
	expect(stderr).toContain('d0');
	expect(names(host)).toEqual(['lo', 'h0', 'u0', 'd0']);
	expect(notesIn(notes)).toEqual([]);
	expect(everything(host)).toEqual(before);
});

test('kill -9 leaves a pair, which clean names and removes', async () => {
	await using lab = new Lab();
	const { host } = remote(lab);
	const notes = join(lab.directory(), 'run');
	const before = everything(host);
	const session = await mirror(host, notes, '--to', TO);
	const pid = session.run.child.pid as number;
	expect((await xspan(host, notes, 'clean').finished).stdout).toBe('nothing was left behind\n');
	expect(names(host)).toContain('xspan0');
	await session.run.stop('SIGKILL');
	expect(names(host)).toContain('xspan0');
	const { stdout, code } = await xspan(host, notes, 'clean', '--json').finished;
	expect(code).toBe(0);
	expect(JSON.parse(stdout)).toMatchObject([
		{ kind: 'mirror_port', interface: 'xspan0', pid, removed: true },
	]);
	expect(everything(host)).toEqual(before);
	expect(notesIn(notes)).toEqual([]);
	expect((await xspan(host, notes, 'clean').finished).stdout).toBe('nothing was left behind\n');
});

test('clean says to people what it removed', async () => {
	await using lab = new Lab();
	const { host } = remote(lab);
	const notes = join(lab.directory(), 'run');
	const session = await mirror(host, notes, '--to', TO);
	await session.run.stop('SIGKILL');
	const { stdout } = await xspan(host, notes, 'clean').finished;
	expect(stdout).toMatch(/^removed: .*xspan0.*, left by process \d+\n$/);
	expect(stdout).toContain(String(session.run.child.pid));
});

test('the next session removes what a killed one left, and not what a living one has', async () => {
	await using lab = new Lab();
	const { client, host, collector } = remote(lab);
	const notes = join(lab.directory(), 'run');
	const living = await mirror(host, notes, '--to', TO);
	const killed = await mirror(host, notes, '--to', TO6);
	expect(names(host)).toContain('xspan1');
	await killed.run.stop('SIGKILL');
	const ear = await Collector.start(collector, lab);
	const next = await mirror(host, notes, '--to', 'gre://192.0.2.9');
	expect(names(host).filter((name) => name.startsWith('xspan'))).toHaveLength(4);
	await sendAll(client, 'c0', Array(10).fill(udpFrame(100)));
	for (const session of [living, next]) {
		await session.sees(10);
		const { line } = await session.stop();
		expect(line.ledger.delivered.frames).toBe(10);
	}
	await ear.collects(20);
	expect(names(host)).toEqual(['lo', 'h0', 'u0']);
});

test('a foreign device of our name is not touched: the session takes another', async () => {
	await using lab = new Lab();
	const { client, host } = remote(lab);
	const notes = join(lab.directory(), 'run');
	host.ip('link', 'add', 'xspan0', 'type', 'veth', 'peer', 'name', 'xspan2-in');
	host.ip('link', 'add', 'xspan1', 'type', 'veth', 'peer', 'name', 'foreign');
	const before = everything(host);
	const foreign = names(host);
	const session = await mirror(host, notes, '--to', TO, '--direction', 'rx');
	const own = names(host).filter((name) => !foreign.includes(name));
	expect(own).toEqual(['xspan3', 'xspan3-in']);
	await sendAll(client, 'c0', [udpFrame(100)]);
	await session.sees(1);
	expect((await session.stop()).line.ledger.delivered.frames).toBe(1);
	expect(everything(host)).toEqual(before);
});

test('a foreign device that got the name of a killed session is left alone', async () => {
	await using lab = new Lab();
	const { host } = remote(lab);
	const notes = join(lab.directory(), 'run');
	const session = await mirror(host, notes, '--to', TO);
	await session.run.stop('SIGKILL');
	host.ip('link', 'del', 'xspan0');
	host.ip('link', 'add', 'xspan0', 'type', 'veth', 'peer', 'name', 'xspan0-in');
	expect((await xspan(host, notes, 'clean').finished).stdout).toBe('nothing was left behind\n');
	expect(names(host)).toContain('xspan0');
	expect(notesIn(notes)).toEqual([]);
});

test('removing the mirror port ends its session with exit code 8', async () => {
	await using lab = new Lab();
	const { host } = remote(lab);
	const before = everything(host);
	const session = await observe(host, 'mirror', 'h0', '--to', TO);
	host.ip('link', 'del', 'xspan0');
	const { line } = await session.ends(8);
	expect(line.end).toBe('destination_gone');
	expect(everything(host)).toEqual(before);
});

test('removing the trunk of RSPAN does, too', async () => {
	await using lab = new Lab();
	const { host } = remote(lab);
	const session = await observe(host, 'mirror', 'h0', '--to', 'rspan:u0?vlan=900');
	host.ip('link', 'del', 'u0');
	const { line } = await session.ends(8);
	expect(line.end).toBe('destination_gone');
	expect(names(host)).toEqual(['lo', 'h0']);
});

test('no frame of its own reaches the collector', async () => {
	await using lab = new Lab();
	const { client, host, collector } = remote(lab);
	const ear = await Collector.start(collector, lab, 'k0', EVERYTHING);
	for (const to of [TO, TO6]) {
		const session = await observe(host, 'mirror', 'h0', '--to', to, '--direction', 'rx');
		await sendAll(client, 'c0', [udpFrame(100)]);
		await session.sees(1);
		// What the kernel would say on a new device (MLD, router and neighbour solicitations) comes late.
		await until(() => session.lines().length > 60, 'a second of silence');
		const { line } = await session.stop();
		expect(line.mirror_port?.received.frames).toBe(1);
	}
	const isOurs = (frame: Buffer) =>
		!frame.subarray(6, 12).equals(Buffer.from('02000000001a', 'hex'));
	expect(UPLINK_MAC).toBe('02:00:00:00:00:1a');
	expect(ear.frames().filter(isOurs)).toEqual([]);
	await ear.stop();
	const rows = decode(ear.file, ['eth.src'], '-Y', 'geneve || gre');
	expect(rows).toHaveLength(2);
});
