/** What a user gets wrong: a message that helps, the right exit code, and nothing left half-made. */
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { allHooks, hooks } from '../harness/hooks.ts';
import { type Finished, type Host, Lab } from '../harness/lab.ts';
import { cable, type Scene, scene } from '../harness/scene.ts';
import { root } from '../harness/testkit.ts';

const MAIN = join(root, 'dist/cli/main.js');

function expectError({ stdout, stderr, code, signal }: Finished, exit: number, says: RegExp[]) {
	expect({ code, signal }, stderr).toEqual({ code: exit, signal: null });
	for (const pattern of says) expect(stderr).toMatch(pattern);
	expect(stderr).not.toMatch(/^ {4}at /m);
	expect(stderr).not.toMatch(/unexpected/i);
	expect(stdout).toBe('');
}

interface Row {
	what: string;
	/** OUT is a file in a directory of the test. */
	args: string[];
	exit: number;
	says: RegExp[];
	given?: (all: Scene, lab: Lab) => void;
}

const bridge = ({ host }: Scene): void => {
	host.ip('link', 'add', 'br0', 'type', 'bridge');
	host.ip('link', 'set', 'h0', 'master', 'br0');
	host.ip('link', 'set', 'br0', 'up');
};

const rows: Row[] = [
	{
		what: 'an unknown interface',
		args: ['capture', 'ho', '-w', 'OUT'],
		exit: 3,
		says: [/no interface "ho"/, /did you mean .*h0/],
	},
	{
		what: 'an unknown interface like no other',
		args: ['capture', 'backbone-uplink', '-w', 'OUT'],
		exit: 3,
		says: [/no interface "backbone-uplink"/, /h0.*m0/],
	},
	{
		what: 'an unknown destination',
		args: ['mirror', 'h0', '--to', 'port:m1'],
		exit: 3,
		says: [/no interface "m1"/, /did you mean .*m0/],
	},
	{
		what: 'a destination that is the source',
		args: ['mirror', 'h0', '--to', 'port:h0'],
		exit: 6,
		says: [/h0/, /source/],
	},
	{
		what: 'a destination that is the other end of the source',
		args: ['mirror', 'h0', '--to', 'port:p0'],
		exit: 6,
		says: [/other end of h0/],
		// The far end of h0's cable, but in the same namespace: a cable of its own.
		given: ({ host }, lab) => {
			host.ip('link', 'del', 'h0');
			lab.wire(host, 'h0', host, 'p0');
		},
	},
	{
		what: "a destination that is the source's bridge",
		args: ['mirror', 'h0', '--to', 'port:br0'],
		exit: 6,
		says: [/br0/, /h0/],
		given: bridge,
	},
	{
		what: "a destination that is a port of the source's bridge",
		args: ['mirror', 'br0', '--to', 'port:h0'],
		exit: 6,
		says: [/br0/, /h0/],
		given: bridge,
	},
	{
		what: 'a destination that is down',
		args: ['mirror', 'h0', '--to', 'port:m0'],
		exit: 6,
		says: [/m0 is down/, /ip link set m0 up/],
		given: ({ host }) => host.ip('link', 'set', 'm0', 'down'),
	},
	{
		what: 'a mirror at XDP',
		args: ['mirror', 'h0', '--to', 'port:m0', '--hook', 'xdp'],
		exit: 2,
		says: [/XDP/, /--hook xdp/],
	},
	{
		what: 'XDP for sent frames',
		args: ['capture', 'h0', '-w', 'OUT', '--hook', 'xdp', '--direction', 'tx'],
		exit: 2,
		says: [/received frames only/],
	},
	...['63', '262145', '0', 'all', '-5', '1e3'].map((snaplen) => ({
		what: `a snaplen of ${snaplen}`,
		args: ['capture', 'h0', '-w', 'OUT', `--snaplen=${snaplen}`],
		exit: 2,
		says: [/snaplen/, /64 to 262144/],
	})),
	...['soon', '0s', '-1s', '30x', '5 parsecs', '100d', ''].map((duration) => ({
		what: `a duration of "${duration}"`,
		args: ['capture', 'h0', '-w', 'OUT', `--duration=${duration}`],
		exit: 2,
		says: [/duration/, /500ms, 30s, 5m/],
	})),
	...['0', 'many', '1.5'].map((count) => ({
		what: `a count of ${count}`,
		args: ['capture', 'h0', '-w', 'OUT', `--count=${count}`],
		exit: 2,
		says: [/count/, /whole number/],
	})),
	...['ids0', 'port:', 'port', 'telepathy:x', 'port:a/b', 'port:a-name-of-16-chr'].map((to) => ({
		what: `a destination "${to}"`,
		args: ['mirror', 'h0', '--to', to],
		exit: 2,
		says: [/destination/, /port:ids0/],
	})),
	{
		what: 'a direction that does not exist',
		args: ['capture', 'h0', '-w', 'OUT', '--direction', 'up'],
		exit: 2,
		says: [/rx, tx, both/],
	},
	{
		what: '-W without -C or -G',
		args: ['capture', 'h0', '-w', 'OUT', '-W', '3'],
		exit: 2,
		says: [/-C/, /-G/],
	},
	{
		what: 'rotating standard output',
		args: ['capture', 'h0', '-w', '-', '-C', '1'],
		exit: 2,
		says: [/standard output/],
	},
	{ what: 'no file', args: ['capture', 'h0'], exit: 2, says: [/--write/] },
	{ what: 'no destination', args: ['mirror', 'h0'], exit: 2, says: [/--to/] },
	{ what: 'no interface', args: ['capture', '-w', 'OUT'], exit: 2, says: [/source/] },
	{
		what: 'an unknown option',
		args: ['capture', 'h0', '-w', 'OUT', '--promisc'],
		exit: 2,
		says: [/--promisc/],
	},
	{ what: 'an unknown command', args: ['sniff', 'h0'], exit: 2, says: [/sniff/] },
	{
		what: 'a directory that does not exist',
		args: ['capture', 'h0', '-w', 'OUT/deeper/out.pcapng'],
		exit: 3,
		says: [/cannot create .*no such file or directory/],
	},
	{
		what: 'a file name that is a directory',
		args: ['capture', 'h0', '-w', '/tmp', '--force'],
		exit: 3,
		says: [/\/tmp/],
	},
	{
		what: 'a file system that cannot be written',
		args: ['capture', 'h0', '-w', '/proc/xspan.pcapng'],
		exit: 3,
		says: [/\/proc\/xspan.pcapng/],
	},
];

async function provoke(all: Scene, lab: Lab, { args, exit, says }: Row): Promise<void> {
	const directory = lab.directory();
	const real = args.map((arg) => arg.replace(/^OUT/, join(directory, 'out.pcapng')));
	expectError(await all.host.xspan(...real).finished, exit, says);
	expect(readdirSync(directory)).toEqual([]);
}

describe('on a host like any other', () => {
	let lab: Lab;
	let all: Scene;
	let before: ReturnType<typeof allHooks>;
	beforeAll(() => {
		lab = new Lab();
		all = scene(lab);
		before = allHooks(all.host);
	});
	afterAll(async () => lab[Symbol.asyncDispose]());

	test.each(rows.filter((row) => !row.given))('$what: exit code $exit', async (row) => {
		await provoke(all, lab, row);
	});

	test('nothing is attached after all of these', () => {
		expect(allHooks(all.host)).toEqual(before);
	});
});

test.each(rows.filter((row) => row.given))('$what: exit code $exit', async (row) => {
	await using lab = new Lab();
	const all = scene(lab);
	row.given?.(all, lab);
	const before = allHooks(all.host);
	await provoke(all, lab, row);
	expect(allHooks(all.host)).toEqual(before);
});

/** Without some capabilities, which the process cannot get back. */
function without(host: Host, dropped: string, ...args: string[]): Promise<Finished> {
	const command = [process.execPath, MAIN, ...args].join(' ');
	return host.spawn('capsh', [`--drop=${dropped}`, '--', '-c', command]).finished;
}

test.each([
	{ dropped: 'cap_bpf,cap_sys_admin', named: 'CAP_BPF' },
	{ dropped: 'cap_net_admin,cap_sys_admin', named: 'CAP_NET_ADMIN' },
	{ dropped: 'cap_perfmon,cap_sys_admin', named: 'CAP_PERFMON' },
])('a missing $named is named, with the setcap line', async ({ dropped, named }) => {
	await using lab = new Lab();
	const { host } = scene(lab);
	const before = allHooks(host);
	const directory = lab.directory();
	const file = join(directory, 'out.pcapng');
	const capture = await without(host, dropped, 'capture', 'h0', '-w', file);
	expectError(capture, 4, [new RegExp(named), /setcap \S*cap_bpf\S* /]);
	const mirror = await without(host, dropped, 'mirror', 'h0', '--to', 'port:m0');
	expectError(mirror, 4, [new RegExp(named), /setcap \S*cap_bpf\S* /]);
	expect(allHooks(host)).toEqual(before);
	expect(readdirSync(directory)).toEqual([]);
});

test('no capability at all', async () => {
	await using lab = new Lab();
	const { host } = scene(lab);
	const file = join(lab.directory(), 'out.pcapng');
	const drop = ['--bounding-set=-all', '--inh-caps=-all'];
	const args = [...drop, process.execPath, MAIN, 'capture', 'h0', '-w', file];
	const run = host.spawn('setpriv', args);
	expectError(await run.finished, 4, [/CAP_BPF/, /CAP_NET_ADMIN/, /setcap/]);
	expect(existsSync(file)).toBe(false);
});

test('a directory that may not be written', async () => {
	await using lab = new Lab();
	const { host } = scene(lab);
	const directory = join(lab.directory(), 'closed');
	mkdirSync(directory, { mode: 0o500 });
	const file = join(directory, 'out.pcapng');
	const caps = 'cap_dac_override,cap_dac_read_search';
	host.exec('chown', '65534', directory);
	expectError(await without(host, caps, 'capture', 'h0', '-w', file), 7, [/cannot .*out\.pcapng/]);
	expect(hooks(host, 'h0')).toMatchObject({ rx: [], tx: [] });
});

test('an XDP program is there already: it is named, and left alone', async () => {
	await using lab = new Lab();
	const { host } = scene(lab);
	await host.program('bystander.mjs', 'xdp', 'h0').says(/attached/);
	const { xdp } = hooks(host, 'h0');
	const directory = lab.directory();
	const args = ['capture', 'h0', '-w', join(directory, 'out.pcapng'), '--hook', 'xdp'];
	const finished = await host.xspan(...args, '--direction', 'rx').finished;
	expectError(finished, 6, [/"pass_xdp" \(id \d+\)/, new RegExp(`id ${xdp}\\b`), /tcx/]);
	expect(hooks(host, 'h0')).toMatchObject({ xdp, rx: [], tx: [] });
	expect(readdirSync(directory)).toEqual([]);
});

test('one of several sources cannot be tapped: the others are not, either', async () => {
	await using lab = new Lab();
	const { host } = scene(lab);
	const other = lab.host('other');
	cable(other, 'o0', host, 'h1', lab);
	await host.program('bystander.mjs', 'xdp', 'h1').says(/attached/);
	const directory = lab.directory();
	const args = ['capture', 'h0', 'h1', '-w', join(directory, 'out.pcapng'), '--hook', 'xdp'];
	expectError(await host.xspan(...args).finished, 6, [/h1 already has the XDP program/]);
	expect(hooks(host, 'h0')).toMatchObject({ xdp: null, rx: [], tx: [] });
	expect(readdirSync(directory)).toEqual([]);
});
