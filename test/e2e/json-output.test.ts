/** What programs read of the commands: --json, --dry-run, doctor, and what people see at the end. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { udpFrame } from '../harness/frames.ts';
import { allHooks, hooks } from '../harness/hooks.ts';
import { Lab, until } from '../harness/lab.ts';
import { parseLines } from '../harness/ledger.ts';
import { attached, observe } from '../harness/observed.ts';
import { scene } from '../harness/scene.ts';

const zero = { frames: 0, bytes: 0 };

test('every line of --json is an object of the same form, the last one says the end', async () => {
	await using lab = new Lab();
	const { client, host } = scene(lab);
	const session = await observe(host, 'mirror', 'h0', '--to', 'port:m0', '--name', 'lab');
	await client.send('c0', udpFrame(100), 10);
	await session.sees(10);
	const { finished, line } = await session.stop();
	const rows = finished.stdout.split('\n').slice(0, -1);
	const lines = parseLines(finished.stdout);
	expect(lines).toHaveLength(rows.length);
	expect(lines.length).toBeGreaterThanOrEqual(3);
	for (const each of lines) {
		expect(new Date(each.time).toISOString()).toBe(each.time);
		expect(each.session).toBe('lab');
		expect(each.taps.map((tap) => tap.direction)).toEqual(['rx', 'tx']);
		for (const name of ['seen', 'filtered', 'sampled_out', 'rate_limited', 'delivered', 'lost'])
			expect(each.ledger).toHaveProperty([name, 'bytes'], expect.any(Number));
	}
	expect(lines.filter((each) => each.end !== undefined)).toEqual([line]);
	const ten = { frames: 10, bytes: 1000 };
	expect(line).toMatchObject({ end: 'aborted', ledger: { seen: ten, delivered: ten, lost: zero } });
	expect(finished.stderr).toBe('');
});

test('--interval says how often', async () => {
	await using lab = new Lab();
	const { host } = scene(lab);
	const args = ['mirror', 'h0', '--to', 'port:m0', '--json'];
	const rare = await host.xspan(...args, '--interval', '1h', '--duration', '1s').finished;
	expect(parseLines(rare.stdout).map((line) => line.end)).toEqual(['duration']);
	const often = await attached(host.xspan(...args, '--interval', '50ms'));
	await until(() => often.lines().length > 3, 'four lines');
	await often.stop();
});

test('with -w - the lines go to standard error', async () => {
	await using lab = new Lab();
	const { client, host } = scene(lab);
	const args = ['capture', 'h0', '-w', '-', '-c', '5', '--direction', 'rx'];
	const session = await observe(host, ...args);
	await client.send('c0', udpFrame(100), 5);
	const { finished, line } = await session.ends();
	expect(line.ledger.delivered.frames).toBe(5);
	expect(parseLines(finished.stderr).at(-1)).toEqual(line);
	expect(finished.stdout).not.toContain('"ledger"');
});

test('people get a summary, and nothing on standard output', async () => {
	await using lab = new Lab();
	const { client, host } = scene(lab);
	const run = host.xspan('mirror', 'h0', '--to', 'port:m0', '--direction', 'rx', '--count', '1500');
	await run.says(/mirroring h0 rx to m0/);
	await client.send('c0', udpFrame(100), 1500);
	const { code, stdout, stderr } = await run.finished;
	expect(code).toBe(0);
	expect(stdout).toBe('');
	expect(stderr).toMatch(/session h0 ended: the count was reached/);
	expect(stderr).toMatch(/SOURCE +TAP +SEEN +DELIVERED +LOST +BYTES/);
	expect(stderr).toMatch(/h0 +rx tcx +1,500 +1,500 +0 /);
	expect(stderr).toMatch(/the ledger balances/);
});

test.each([
	{ what: 'mirror', args: ['--to', 'port:m0'], destination: { type: 'port', interface: 'm0' } },
	{ what: 'capture', args: ['-w', 'OUT', '-s', '128'], destination: { type: 'pcapng' } },
])('--dry-run of a $what prints the plan and does nothing', async (row) => {
	await using lab = new Lab();
	const { host } = scene(lab);
	const directory = lab.directory();
	const before = allHooks(host);
	const args = row.args.map((arg) => arg.replace('OUT', join(directory, 'out.pcapng')));
	const run = host.xspan(row.what, 'h0', ...args, '--dry-run', '--count', '7', '--name', 'lab');
	const { code, stdout, stderr } = await run.finished;
	expect(code, stderr).toBe(0);
	expect(JSON.parse(stdout)).toMatchObject({
		name: 'lab',
		count: 7,
		destination: row.destination,
		taps: [
			{ source: 'h0', ifindex: host.ifindex('h0'), direction: 'rx', hook: 'tcx' },
			{ source: 'h0', ifindex: host.ifindex('h0'), direction: 'tx', hook: 'tcx' },
		],
	});
	expect(allHooks(host)).toEqual(before);
	expect(readdirSync(directory)).toEqual([]);
});

test('--dry-run refuses what a session would refuse', async () => {
	await using lab = new Lab();
	const { host } = scene(lab);
	const { code } = await host.xspan('mirror', 'h0', '--to', 'port:h0', '--dry-run').finished;
	expect(code).toBe(6);
});

test('doctor looks at the host and at an interface', async () => {
	await using lab = new Lab();
	const { host } = scene(lab);
	const before = allHooks(host);
	const { code, stdout } = await host.xspan('doctor').finished;
	expect(code).toBe(0);
	for (const check of ['kernel', 'capabilities', 'load', 'tcx'])
		expect(stdout).toMatch(new RegExp(`^ok +${check} `, 'm'));
	await host.program('bystander.mjs', 'xdp', 'h0').says(/attached/);
	const { xdp } = hooks(host, 'h0');
	const about = await host.xspan('doctor', 'h0').finished;
	expect(about.code).toBe(0);
	expect(about.stdout).toMatch(/^ok +interface +h0, ifindex \d+, veth, MTU 1500, up/m);
	expect(about.stdout).toMatch(new RegExp(`xdp +occupied by "pass_xdp" \\(id ${xdp}\\) -> `));
	const json = JSON.parse((await host.xspan('doctor', 'm0', '--json').finished).stdout);
	expect(json).toContainEqual(expect.objectContaining({ check: 'promiscuous', state: 'ok' }));
	expect(allHooks(host)).toEqual({ ...before, h0: { ...before['h0'], xdp } });
});

test('doctor without capabilities says which are missing, and what to do', async () => {
	await using lab = new Lab();
	const { host } = scene(lab);
	const drop = ['--bounding-set=-all', '--inh-caps=-all'];
	const run = host.spawn('setpriv', [...drop, process.execPath, 'dist/cli/main.js', 'doctor']);
	const { code, stdout, stderr } = await run.finished;
	expect(code).toBe(4);
	expect(stdout).toMatch(/FAIL capabilities.*CAP_NET_ADMIN, CAP_PERFMON, CAP_BPF.*setcap/);
	expect(stderr).toBe('');
});

test('doctor does not know an unknown interface', async () => {
	await using lab = new Lab();
	const { host } = scene(lab);
	const { code, stderr } = await host.xspan('doctor', 'h9').finished;
	expect(code).toBe(3);
	expect(stderr).toMatch(/did you mean .*h0/);
});
