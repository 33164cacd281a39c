/** Expressions: what they match, what is copied how often, and what is said where they match nothing. */
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { Container, everywhere, quietHost, Xspan } from '../harness/containers.ts';
import { udpFrame } from '../harness/frames.ts';
import { type Host, Lab, type Run } from '../harness/lab.ts';
import { Listener } from '../harness/readers.ts';
import { root } from '../harness/testkit.ts';

const TO = ['--to', 'port:m0'];
const A = '02:00:00:00:00:aa';
const B = '02:00:00:00:00:bb';

interface Set {
	host: Host;
	a: Host;
	b: Host;
	all: Host[];
	xspan: Xspan;
	ear(): Promise<Listener>;
}

/** a eth0 -- vetha and b eth0 -- vethb, ports of br0. */
function build(lab: Lab): Set {
	const [host, ids] = [quietHost(lab, 'host'), quietHost(lab, 'ids')];
	const [a, b] = [quietHost(lab, 'a'), quietHost(lab, 'b')];
	host.ip('link', 'add', 'br0', 'type', 'bridge', 'mcast_snooping', '0');
	host.ip('link', 'set', 'br0', 'up');
	for (const [inside, name, mac] of [
		[a, 'vetha', A],
		[b, 'vethb', B],
	] as const) {
		lab.wire(host, name, inside, 'eth0');
		inside.ip('link', 'set', 'eth0', 'address', mac);
		host.ip('link', 'set', name, 'master', 'br0');
	}
	b.ip('address', 'add', '10.77.0.2/24', 'dev', 'eth0');
	lab.wire(host, 'm0', ids, 'i0');
	const ear = () => Listener.start(ids, 'i0', join(lab.directory(), 'ids.pcap'));
	return { host, a, b, ear, all: [host, a, b, ids], xspan: new Xspan(host, lab) };
}

const aToB = udpFrame(100, { source: A, destination: B });
const bToA = udpFrame(200, { source: B, destination: A });

async function talk({ a, b }: Set): Promise<void> {
	await b.sendSelf('eth0', bToA, 1); // from now on the bridge knows b
	await a.sendSelf('eth0', aToB, 100);
	await b.sendSelf('eth0', bToA, 49);
}

test.each([
	{ what: 'bridge:br0: each frame once', sources: ['bridge:br0'], frames: 150, notice: false },
	{ what: 'a pattern: at both ports', sources: ['veth*'], frames: 300, notice: true },
	{
		what: 'ports one by one: at both',
		sources: ['vetha', 'mac:02:00:00:00:00:bb'],
		frames: 300,
		notice: true,
	},
	{ what: 'mac: what one sends and receives', sources: [`mac:${A}`], frames: 150, notice: false },
	{
		what: 'ip: what one sends and receives',
		sources: ['ip:10.77.0.2'],
		frames: 150,
		notice: false,
	},
])('$what', async ({ sources, frames, notice }) => {
	await using lab = new Lab();
	const set = build(lab);
	const before = everywhere(set.all);
	const ear = await set.ear();
	const session = await set.xspan.observe('mirror', ...sources, ...TO);
	await talk(set);
	await session.sees(frames);
	const { line } = await session.stop();
	expect(line.ledger.delivered.frames).toBe(frames);
	expect(await ear.hears(frames)).toBe(frames);
	expect(/a frame from one to another is copied at both/.test(session.run.stderr)).toBe(notice);
	expect(everywhere(set.all)).toEqual(before);
	expect(set.xspan.noted()).toEqual([]);
});

test('what names nothing, or too much, says what there is', async () => {
	await using lab = new Lab();
	const set = build(lab);
	const { xspan, a } = set;
	const fails = (code: number, says: RegExp, source: string) =>
		xspan.fails(code, says, 'mirror', source, ...TO);
	await using box = new Container(a);
	await fails(2, /is not something to look for/, 'pod:web');
	await fails(3, /no process 999999999/, 'pid:999999999');
	await fails(3, /matches no interface.*\n.*vetha/, 'eth*');
	await fails(
		3,
		new RegExp(`there is no interface "eth7" in netns ${a.namespace}`),
		`pid:${box.pid}/eth7`,
	);
	await fails(3, new RegExp(box.id.slice(0, 12)), 'container:no-such-name');
	await fails(3, /no interface of this host has the address/, 'ip:10.77.0.99');
	await fails(3, /the bridges here are br0/, 'bridge:br9');
	await fails(6, /vetha is not a bridge: veth/, 'bridge:vetha');
	await xspan.fails(
		2,
		/leave the direction out/,
		'mirror',
		'bridge:br0',
		...TO,
		'--direction',
		'tx',
	);
	const own = set.host.spawn('sleep', ['30']);
	await fails(6, /uses the network of this namespace/, `pid:${own.child.pid}`);
	await box.stop();
	await fails(3, new RegExp(`no process ${box.pid}`), `pid:${box.pid}`);
	expect(xspan.noted()).toEqual([]);
});

test('a namespace without a name is reached by its process', async () => {
	await using lab = new Lab();
	const { host, xspan, ear: listen } = build(lab);
	const script =
		'ip link add d0 type veth peer name d1; ip link set d0 up; ip link set d1 up; echo ready; exec sleep 60';
	const shell = host.spawn('unshare', ['--net', 'sh', '-c', script]);
	await shell.says(/ready/);
	const ear = await listen();
	const session = await xspan.observe(
		'mirror',
		`pid:${shell.child.pid}/d0`,
		...TO,
		'--direction',
		'tx',
	);
	const send = ['test/harness/programs/raw-send.py', 'd0', aToB.toString('hex'), '30', '-1'];
	const inside = ['-t', String(shell.child.pid), '-n', 'python3', ...send];
	expect((await host.spawn('nsenter', inside).finished).code).toBe(0);
	await session.sees(30);
	expect(session.lines().at(-1)?.taps[0]?.source).toContain(`pid ${shell.child.pid}`);
	await session.stop();
	expect(await ear.hears(30)).toBeGreaterThanOrEqual(30);
});

test('without CAP_SYS_ADMIN another namespace is closed: exit code 4', async () => {
	await using lab = new Lab();
	const { host, a } = build(lab);
	const drop = ['--bounding-set=-sys_admin', '--inh-caps=-sys_admin', process.execPath];
	const args = [join(root, 'dist/cli/main.js'), 'mirror', `netns:${a.namespace}/eth0`, ...TO];
	const run: Run = host.spawn('setpriv', [...drop, ...args]);
	const { code, stderr } = await run.finished;
	expect(stderr).toMatch(/may not be looked into/);
	expect(stderr).toContain('cap_sys_admin');
	expect(code).toBe(4);
});
