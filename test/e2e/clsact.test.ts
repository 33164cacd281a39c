/** The hook of older kernels: it outlives its process, so what it leaves is found and removed. */
import { mkdirSync, readdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { udpFrame } from '../harness/frames.ts';
import { hooks } from '../harness/hooks.ts';
import { type Host, Lab, type Run } from '../harness/lab.ts';
import { attached, observe } from '../harness/observed.ts';
import { capinfos, Listener } from '../harness/readers.ts';
import { scene } from '../harness/scene.ts';
import { root } from '../harness/testkit.ts';

const COUNT = 1000;

/** xspan with a place of its own for what it writes down. */
function xspan(host: Host, runDirectory: string, ...args: string[]): Run {
	const command = [join(root, 'dist/cli/main.js'), ...args];
	return host.spawn(process.execPath, command, { env: { XSPAN_RUN_DIR: runDirectory } });
}

const capture = (host: Host, runDirectory: string, file: string) =>
	attached(
		xspan(
			host,
			runDirectory,
			...['capture', 'h0', '-w', file, '--hook', 'clsact', '--json', '--interval', '20ms'],
		),
	);

test('a session takes its qdisc along', async () => {
	await using lab = new Lab();
	const { client, host } = scene(lab);
	const directory = lab.directory();
	const before = hooks(host, 'h0');
	const session = await capture(host, directory, join(directory, 'out.pcapng'));
	const during = hooks(host, 'h0');
	expect(during.filters).toHaveLength(2);
	expect(during.qdiscs.join()).toContain('clsact');
	await client.send('c0', udpFrame(100), COUNT);
	await host.sendSelf('h0', udpFrame(200), COUNT);
	await session.sees(2 * COUNT);
	const { line } = await session.stop();
	expect(line.taps.map((tap) => tap.hook)).toEqual(['clsact', 'clsact']);
	expect(line.ledger.delivered.frames).toBe(2 * COUNT);
	expect(capinfos(join(directory, 'out.pcapng')).packets).toBe(2 * COUNT);
	expect(hooks(host, 'h0')).toEqual(before);
	expect(readdirSync(directory)).toEqual(['out.pcapng']);
});

test("somebody else's qdisc and filter stay, and work all the time", async () => {
	await using lab = new Lab();
	const { client, host, ids } = scene(lab);
	const directory = lab.directory();
	host.exec('tc', 'qdisc', 'add', 'dev', 'h0', 'clsact');
	const filter = 'filter add dev h0 ingress protocol all prio 7 u32 match u32 0 0';
	host.exec('tc', ...filter.split(' '), ...'action mirred egress mirror dev m0'.split(' '));
	const before = hooks(host, 'h0');
	const ear = await Listener.start(ids, 'i0', join(directory, 'ids.pcap'));
	const session = await capture(host, directory, join(directory, 'out.pcapng'));
	await client.send('c0', udpFrame(100), COUNT);
	await session.sees(COUNT);
	const { line } = await session.stop();
	expect(line.ledger.delivered.frames).toBe(COUNT);
	await client.send('c0', udpFrame(100), COUNT);
	expect(await ear.hears(2 * COUNT)).toBe(2 * COUNT);
	expect(hooks(host, 'h0')).toEqual(before);
});

test('kill -9 leaves filters, which clean removes and names', async () => {
	await using lab = new Lab();
	const { host } = scene(lab);
	const directory = lab.directory();
	const run = join(directory, 'run');
	const before = hooks(host, 'h0');
	const session = await capture(host, run, join(directory, 'out.pcapng'));
	const pid = session.run.child.pid as number;
	const alive = await xspan(host, run, 'clean').finished;
	expect(alive.stdout).toBe('nothing was left behind\n');
	expect(hooks(host, 'h0').filters).toHaveLength(2);
	await session.run.stop('SIGKILL');
	expect(hooks(host, 'h0').filters).toHaveLength(2);
	const { stdout, code } = await xspan(host, run, 'clean').finished;
	expect(code).toBe(0);
	const named = `removed: tc filter on h0, left by process ${pid}\n`;
	expect(stdout).toBe(named.repeat(2));
	expect(hooks(host, 'h0')).toEqual(before);
	const again = await xspan(host, run, 'clean').finished;
	expect(again.stdout).toBe('nothing was left behind\n');
});

test('the next session removes what a killed one left', async () => {
	await using lab = new Lab();
	const { client, host } = scene(lab);
	const directory = lab.directory();
	const run = join(directory, 'run');
	const before = hooks(host, 'h0');
	const first = await capture(host, run, join(directory, 'a.pcapng'));
	await first.run.stop('SIGKILL');
	const second = await capture(host, run, join(directory, 'b.pcapng'));
	expect(hooks(host, 'h0').filters).toHaveLength(2);
	await client.send('c0', udpFrame(100), COUNT);
	await second.sees(COUNT);
	const { line } = await second.stop();
	expect(line.ledger.delivered.frames).toBe(COUNT);
	expect(hooks(host, 'h0')).toEqual(before);
});

test('a note that goes while notes are read is nothing to stumble over', async () => {
	await using lab = new Lab();
	const { host } = scene(lab);
	const directory = lab.directory();
	const run = join(directory, 'run');
	mkdirSync(run);
	symlinkSync('gone', join(run, '99999999-1-0.json')); // listed, and not there when it is read
	const session = await capture(host, run, join(directory, 'out.pcapng'));
	await session.stop();
	const { stdout, code } = await xspan(host, run, 'clean').finished;
	expect([stdout, code]).toEqual(['nothing was left behind\n', 0]);
});

test('clean --json says the same to programs', async () => {
	await using lab = new Lab();
	const { host } = scene(lab);
	const run = join(lab.directory(), 'run');
	const session = await capture(host, run, join(lab.directory(), 'out.pcapng'));
	await session.run.stop('SIGKILL');
	const { stdout } = await xspan(host, run, 'clean', '--json').finished;
	const left = JSON.parse(stdout);
	const expected = { interface: 'h0', pid: session.run.child.pid, removed: true };
	expect(left).toMatchObject([expected, expected]);
});

test('a qdisc "ingress" of somebody else has no side for sent frames: that is said', async () => {
	await using lab = new Lab();
	const { host } = scene(lab);
	host.exec('tc', 'qdisc', 'add', 'dev', 'h0', 'ingress');
	const mirror = ['mirror', 'h0', '--to', 'port:m0', '--hook', 'clsact'];
	const { code, stderr } = await host.xspan(...mirror).finished;
	expect(code).toBe(6);
	expect(stderr).toMatch(/h0 has a qdisc "ingress" of another program/);
	const { filters, qdiscs } = hooks(host, 'h0');
	expect(filters).toEqual([]);
	expect(qdiscs.some((qdisc) => qdisc.includes('ingress'))).toBe(true);
	const session = await observe(host, ...mirror, '--direction', 'rx');
	await session.stop();
});
