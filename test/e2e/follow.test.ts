/** Interfaces that come and go while a session follows a pattern, a bridge or a container. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { Container, everywhere, quietHost, Xspan } from '../harness/containers.ts';
import { udpFrame } from '../harness/frames.ts';
import { type Host, Lab } from '../harness/lab.ts';
import type { Line } from '../harness/ledger.ts';
import { capinfos, Listener, tshark } from '../harness/readers.ts';

const FRAME = udpFrame(100);
const RX = ['--direction', 'rx'];

interface Set {
	host: Host;
	far: Host;
	ids: Host;
	xspan: Xspan;
	ear(): Promise<Listener>;
}

/** v0 is there from the beginning; what comes later has its other end in far, too. */
function build(lab: Lab): Set {
	const [host, far, ids] = [quietHost(lab, 'host'), quietHost(lab, 'far'), quietHost(lab, 'ids')];
	lab.wire(host, 'm0', ids, 'i0');
	const ear = () => Listener.start(ids, 'i0', join(lab.directory(), 'ids.pcap'));
	lab.wire(host, 'v0', far, 'f0');
	return { host, far, ids, ear, xspan: new Xspan(host, lab) };
}

const delivered = (line: Line) =>
	Object.fromEntries(line.taps.map((tap) => [tap.source, tap.ledger.delivered.frames]));

const hasTap = (source: string) => (line: Line) =>
	line.taps.some((tap) => tap.source === source && !tap.ended);

test('an interface comes, is tapped, and goes: its counts stay', async () => {
	await using lab = new Lab();
	const { host, far, xspan, ear: listen } = build(lab);
	const before = everywhere([host, far]);
	const ear = await listen();
	const session = await xspan.observe('mirror', 'v*', '--to', 'port:m0', ...RX);
	await far.sendSelf('f0', FRAME, 100);
	lab.wire(host, 'v1', far, 'f1');
	await session.waits(hasTap('v1'), 'a tap on v1');
	await far.sendSelf('f1', FRAME, 50);
	await session.sees(150);
	host.ip('link', 'del', 'v1');
	await session.run.says(/v1 is gone/);
	await far.sendSelf('f0', FRAME, 100);
	await session.sees(250);
	const { line } = await session.stop();
	expect(session.run.stderr).toMatch(/v1 has come: it is tapped/);
	expect(delivered(line)).toEqual({ v0: 200, v1: 50 });
	expect(line.taps.map((tap) => tap.ended)).toEqual([false, true]);
	expect(await ear.hears(250)).toBe(250);
	expect(everywhere([host, far])).toEqual(before);
	expect(xspan.noted()).toEqual([]);
});

test('a running flow is seen from the tap on, without a gap', async () => {
	await using lab = new Lab();
	const { host, far, xspan, ear: listen } = build(lab);
	const ear = await listen();
	const session = await xspan.observe('mirror', 'v*', '--to', 'port:m0', ...RX);
	lab.wire(host, 'w1', far, 'f1');
	const hex = FRAME.toString('hex');
	const args = ['test/harness/programs/raw-send.py', 'f1', hex, '100000', '46', '0.002'];
	const flow = far.spawn('python3', args);
	host.ip('link', 'set', 'w1', 'name', 'v1');
	await session.waits(hasTap('v1'), 'a tap on v1');
	await session.waits((line) => line.ledger.delivered.frames >= 300, 'frames of the flow');
	await flow.stop();
	const { line } = await session.stop();
	const count = line.ledger.delivered.frames;
	expect(await ear.hears(count)).toBe(count);
	const numbers = tshark(ear.file, ['udp.payload']).map(([payload = '']) =>
		Number(Buffer.from(payload, 'hex').readBigUInt64LE(4)),
	);
	const first = numbers[0] as number;
	expect(numbers).toEqual(Array.from({ length: count }, (_, i) => first + i));
});

test('60 interfaces at once are all tapped', async () => {
	await using lab = new Lab();
	const { host, far, xspan } = build(lab);
	const session = await xspan.observe('mirror', 'v*', '--to', 'port:m0', ...RX);
	const add = (i: number) => `link add vx${i} up type veth peer name fx${i} netns ${far.namespace}`;
	const batch = Array.from({ length: 60 }, (_, i) => add(i)).join('\n');
	host.exec('sh', '-c', `echo '${batch}' | ip -batch -`);
	await session.waits((line) => line.taps.length === 61, '61 taps');
	far.ip('link', 'set', 'fx0', 'up');
	far.ip('link', 'set', 'fx59', 'up');
	await far.sendSelf('fx0', FRAME, 3);
	await far.sendSelf('fx59', FRAME, 4);
	await session.sees(7);
	const { line } = await session.stop();
	expect(delivered(line)).toMatchObject({ vx0: 3, vx59: 4 });
	expect(everywhere([host]).flatMap((each) => each.programs)).toEqual([]);
});

test('--no-follow: what comes later is not tapped', async () => {
	await using lab = new Lab();
	const { host, far, xspan } = build(lab);
	const session = await xspan.observe('mirror', 'v*', '--to', 'port:m0', '--no-follow', ...RX);
	lab.wire(host, 'v1', far, 'f1');
	await far.sendSelf('f1', FRAME, 20);
	await far.sendSelf('f0', FRAME, 10);
	await session.sees(10);
	host.ip('link', 'del', 'v0');
	const { line } = await session.ends(8);
	expect(delivered(line)).toEqual({ v0: 10 });
});

test.each([
	{ what: 'one file', args: [] },
	{ what: 'rotated files', args: ['-C', '1'] },
])('a capture to $what: each interface is described before its frames', async ({ args }) => {
	await using lab = new Lab();
	const { host, far, xspan } = build(lab);
	const directory = lab.directory();
	const file = join(directory, 'out.pcapng');
	const session = await xspan.observe('capture', 'v*', '-w', file, ...args, ...RX);
	const big = udpFrame(1500);
	for (const number of [1, 2, 3, 4]) {
		lab.wire(host, `v${number}`, far, `f${number}`);
		await session.waits(hasTap(`v${number}`), `a tap on v${number}`);
		await far.sendSelf(`f${number}`, big, 400);
		await far.sendSelf('f0', big, 100);
	}
	await session.sees(2000);
	const { line } = await session.stop();
	expect(line.ledger.delivered.frames).toBe(2000);
	const files = readdirSync(directory).map((name) => join(directory, name));
	expect(files.length).toBeGreaterThan(args.length ? 1 : 0);
	for (const each of files) capinfos(each);
	const seen = files.flatMap((each) => tshark(each, ['frame.interface_name']));
	const counts = new Map<string, number>();
	for (const [name = ''] of seen) counts.set(name, (counts.get(name) ?? 0) + 1);
	expect(Object.fromEntries(counts)).toEqual({ v0: 400, v1: 400, v2: 400, v3: 400, v4: 400 });
});

test('a port that a bridge gets later is tapped', async () => {
	await using lab = new Lab();
	const { host, far, xspan } = build(lab);
	host.ip('link', 'add', 'br0', 'type', 'bridge', 'mcast_snooping', '0');
	host.ip('link', 'set', 'br0', 'up');
	host.ip('link', 'set', 'v0', 'master', 'br0');
	lab.wire(host, 'v1', far, 'f1');
	const session = await xspan.observe('mirror', 'bridge:br0', '--to', 'port:m0');
	host.ip('link', 'set', 'v1', 'master', 'br0');
	await session.waits(hasTap('v1'), 'a tap on v1');
	await far.sendSelf('f1', FRAME, 30);
	await session.sees(30);
	const { line } = await session.stop();
	expect(delivered(line)).toEqual({ v0: 0, v1: 30 });
	expect(line.taps.map((tap) => tap.direction)).toEqual(['rx', 'rx']);
});

test('a container that is restarted, in another namespace, is followed there', async () => {
	await using lab = new Lab();
	const { host, xspan } = build(lab);
	const [first, second] = [quietHost(lab, 'first'), quietHost(lab, 'second')];
	lab.wire(host, 'old', first, 'eth0');
	const box = new Container(first);
	const session = await xspan.observe('mirror', `container:${box.id}`, '--to', 'port:m0');
	await first.sendSelf('eth0', FRAME, 10);
	await session.sees(10);
	await box.stop();
	lab.remove(first);
	await session.run.says(/old is gone/);
	lab.wire(host, 'new', second, 'eth0');
	await using again = new Container(second, box.id);
	await session.waits(hasTap('new'), 'a tap on the new interface');
	await second.sendSelf('eth0', FRAME, 20);
	await session.sees(30);
	const { line } = await session.stop();
	expect(again.id).toBe(box.id);
	expect(line.ledger.delivered.frames).toBe(30);
});
