/** Sources inside other namespaces, where a relay leads their copies out. */
import { join } from 'node:path';
import { expect, test } from 'vitest';
import {
	everywhere,
	inodeOf,
	macvlan,
	programsOf,
	quietHost,
	Xspan,
} from '../harness/containers.ts';
import { udpFrame } from '../harness/frames.ts';
import { freed } from '../harness/hooks.ts';
import { type Host, Lab } from '../harness/lab.ts';
import type { Line } from '../harness/ledger.ts';
import { frameBytes, Listener, tshark } from '../harness/readers.ts';
import {
	COLLECTOR,
	Collector,
	decode,
	FORMATS,
	inner,
	type Remote,
	remote,
} from '../harness/remote.ts';

const BLUE = '02:00:00:00:00:b1';
const RED = '02:00:00:00:00:e1';
const hex = (frame: Buffer) => frame.toString('hex');

/** Blue sends these to red, red those to blue. */
const BLUE_SENDS = udpFrame(300, { source: BLUE, destination: RED });
const RED_SENDS = udpFrame(400, { source: RED, destination: BLUE });

interface Set extends Remote {
	blue: Host;
	red: Host;
	far: Host;
	all: Host[];
	xspan: Xspan;
	/** tcpdump at the end of the mirror's own cable. */
	ear(): Promise<Listener>;
}

/** far f0 -- p0 host, and macvlans of p0 in blue and red; m0 -- i0 collector is the way of a plain mirror. */
function build(lab: Lab): Set {
	const set = remote(lab);
	const others = {
		blue: quietHost(lab, 'blue'),
		red: quietHost(lab, 'red'),
		far: quietHost(lab, 'far'),
	};
	const { host, collector } = set;
	lab.wire(host, 'p0', others.far, 'f0');
	macvlan(host, 'p0', others.blue, BLUE);
	macvlan(host, 'p0', others.red, RED);
	lab.wire(host, 'm0', collector, 'i0');
	const all = [host, others.blue, others.red, collector];
	const ear = () => Listener.start(collector, 'i0', join(lab.directory(), 'ids.pcap'));
	return { ...set, ...others, all, ear, xspan: new Xspan(host, lab) };
}

const eth0 = (host: Host) => `netns:${host.namespace}/eth0`;

async function talk({ blue, red }: Set, count: number): Promise<void> {
	await blue.sendSelf('eth0', BLUE_SENDS, count);
	await red.sendSelf('eth0', RED_SENDS, count);
}

const frames = (line: Line) =>
	Object.fromEntries(
		line.taps.map((tap) => [`${tap.source} ${tap.direction}`, tap.ledger.delivered.frames]),
	);

test('two macvlans of one parent talk: seen inside, through a relay to a port', async () => {
	await using lab = new Lab();
	const set = build(lab);
	const before = everywhere(set.all);
	const ear = await set.ear();
	const session = await set.xspan.observe('mirror', eth0(set.blue), '--to', 'port:m0');
	const relays = set.blue.ip('link', 'show');
	expect(relays, 'the relay is there while the session is').toMatch(/xspan\d+@/);
	const during = everywhere(set.all).flatMap((host) => host.links);
	for (const link of before.flatMap((host) => host.links))
		expect(during, 'promiscuity of everything else').toContainEqual(link);
	await talk(set, 200);
	await session.sees(400);
	const { line } = await session.stop();
	const label = `eth0 in netns ${set.blue.namespace}`;
	expect(frames(line)).toEqual({ [`${label} rx`]: 200, [`${label} tx`]: 200 });
	expect(await ear.hears(400)).toBe(400);
	const heard = frameBytes(ear.file);
	expect(heard.filter((each) => each === hex(BLUE_SENDS))).toHaveLength(200);
	expect(heard.filter((each) => each === hex(RED_SENDS))).toHaveLength(200);
	expect(everywhere(set.all)).toEqual(before);
	expect(set.xspan.noted()).toEqual([]);
});

test('their parent sees it as received, however little of it leaves the host', async () => {
	await using lab = new Lab();
	const set = build(lab);
	const ear = await set.ear();
	const session = await set.xspan.observe('mirror', 'p0', '--to', 'port:m0');
	await talk(set, 50);
	await session.sees(100);
	const { line } = await session.stop();
	// macvlan_queue_xmit() hands them to the parent's receive path, "for its network taps".
	expect(frames(line)).toEqual({ 'p0 rx': 100, 'p0 tx': 0 });
	expect(await ear.hears(100)).toBe(100);
});

test('to VXLAN with a snap length, sent frames only', async () => {
	await using lab = new Lab();
	const set = build(lab);
	const before = everywhere(set.all);
	const ear = await Collector.start(set.collector, lab);
	const to = ['--to', FORMATS.vxlan.to(COLLECTOR[4]), '--snaplen', '96', '--direction', 'tx'];
	const session = await set.xspan.observe('mirror', eth0(set.blue), ...to);
	await talk(set, 100);
	await session.sees(100);
	const { line } = await session.stop();
	expect(line.ledger.delivered.frames).toBe(100);
	const got = await ear.collects(100);
	const copies = new Set(got.map((frame) => inner(frame, FORMATS.vxlan, 4)));
	expect(copies).toEqual(new Set([hex(BLUE_SENDS.subarray(0, 96))]));
	expect(everywhere(set.all)).toEqual(before);
});

test('super-frames from inside arrive as what a wire carries, and the ledger balances', async () => {
	await using lab = new Lab();
	const set = build(lab);
	set.blue.ip('address', 'add', '198.51.100.1/24', 'dev', 'eth0');
	set.far.ip('address', 'add', '198.51.100.2/24', 'dev', 'f0');
	const server = set.far.spawn('iperf3', ['-s', '-1', '--forceflush']);
	await server.says(/listening/);
	const ear = await set.ear();
	const args = ['--direction', 'tx', '--filter', 'tcp port 5201', '--to', 'port:m0'];
	const session = await set.xspan.observe('mirror', eth0(set.blue), ...args);
	const client = ['-c', '198.51.100.2', '-n', '4M', '-b', '80M', '-l', '64K', '-A', '0,0'];
	expect((await set.blue.spawn('iperf3', client).finished).code).toBe(0);
	const { line } = await session.stop();
	const { delivered, lost } = line.ledger;
	expect(lost.frames).toBe(0);
	expect(await ear.hears(delivered.frames)).toBe(delivered.frames);
	const sizes = tshark(ear.file, ['frame.len']).map(([size]) => Number(size));
	expect(Math.max(...sizes)).toBe(1514);
	expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(delivered.bytes);
	expect(tshark(ear.file, ['frame.number'], '-Y', 'tcp.analysis.lost_segment')).toEqual([]);
	const payload = tshark(ear.file, ['tcp.len'], '-Y', 'not tcp.analysis.retransmission');
	expect(payload.reduce((sum, [size]) => sum + Number(size), 0)).toBeGreaterThanOrEqual(4 << 20);
});

test('sources in two namespaces and this one: numbers without repeat or reorder', async () => {
	await using lab = new Lab();
	const set = build(lab);
	const before = everywhere(set.all);
	const ear = await Collector.leaving(set.host, lab);
	const sources = [eth0(set.blue), eth0(set.red), 'h0'];
	const to = ['--to', FORMATS.erspan3.to(COLLECTOR[4]), '--direction', 'tx'];
	const session = await set.xspan.observe('mirror', ...sources, ...to);
	expect(set.xspan.noted()).toHaveLength(1);
	await Promise.all([
		set.blue.sendSelf('eth0', BLUE_SENDS, 300),
		set.red.sendSelf('eth0', RED_SENDS, 300),
		set.host.sendSelf('h0', udpFrame(200), 300),
	]);
	await session.sees(900);
	const { line } = await session.stop();
	expect(line.ledger.delivered.frames).toBe(900);
	expect(Object.values(frames(line))).toEqual([300, 300, 300]);
	await ear.collects(900);
	const rows = decode(ear.file, ['gre.sequence_number', 'erspan.direction']);
	const numbers = rows.map((row) => Number(row['gre.sequence_number'][0]));
	const first = numbers[0] as number;
	expect(numbers).toEqual(numbers.map((_, i) => first + i));
	expect(new Set(rows.map((row) => row['erspan.direction'][0]))).toEqual(new Set(['1']));
	expect(everywhere(set.all)).toEqual(before);
	expect(set.xspan.noted()).toEqual([]);
});

test('killed: xspan clean removes the relay of every namespace and the mirror port', async () => {
	await using lab = new Lab();
	const set = build(lab);
	const before = everywhere(set.all);
	const session = await set.xspan.observe(
		'mirror',
		eth0(set.blue),
		eth0(set.red),
		'--to',
		'port:m0',
	);
	const programs = programsOf(set.all);
	await session.run.stop('SIGKILL');
	const { code, stdout } = await set.xspan.run('clean').finished;
	expect(code).toBe(0);
	expect(stdout.match(/xspan\d/g)?.length, stdout).toBeGreaterThanOrEqual(3);
	await freed(programs);
	expect(everywhere(set.all)).toEqual(before);
	expect(set.xspan.noted()).toEqual([]);
});

test('one of two namespaces ends: its taps end with their counts, the other goes on', async () => {
	await using lab = new Lab();
	const set = build(lab);
	const ear = await set.ear();
	const args = ['--to', 'port:m0', '--direction', 'tx'];
	const session = await set.xspan.observe('mirror', eth0(set.blue), eth0(set.red), ...args);
	await talk(set, 100);
	await session.sees(200);
	lab.remove(set.blue);
	await session.run.says(/eth0 in netns \S+-blue is gone/);
	await session.waits((line) => line.taps.some((tap) => tap.ended), 'an ended tap');
	await set.red.sendSelf('eth0', RED_SENDS, 100);
	await session.sees(300);
	const { line } = await session.stop();
	expect(line.taps.map((tap) => [tap.ended, tap.ledger.delivered.frames])).toEqual([
		[true, 100],
		[false, 200],
	]);
	expect(await ear.hears(300)).toBe(300);
	expect(everywhere([set.host, set.red]).flatMap((each) => each.programs)).toEqual([]);
	expect(set.xspan.noted()).toEqual([]);
});

test('the only namespace ends: the session ends with 8 and leaves nothing', async () => {
	await using lab = new Lab();
	const set = build(lab);
	const rest = [set.host, set.red, set.collector];
	const before = everywhere(rest);
	const args = ['--to', 'port:m0', '--direction', 'tx'];
	const session = await set.xspan.observe('mirror', eth0(set.blue), ...args);
	await set.blue.sendSelf('eth0', BLUE_SENDS, 50);
	await session.sees(50);
	lab.remove(set.blue);
	const { line } = await session.ends(8);
	expect(line.end).toBe('sources_gone');
	expect(line.ledger.delivered.frames).toBe(50);
	expect(everywhere(rest)).toEqual(before);
	expect(set.xspan.noted()).toEqual([]);
});

test('a namespace of the same name follows at once: the tap in the old one ends all the same', async () => {
	await using lab = new Lab();
	const set = build(lab);
	const old = inodeOf(set.blue);
	const session = await set.xspan.observe('mirror', eth0(set.blue), '--to', 'port:m0');
	set.host.exec(
		'sh',
		'-c',
		`ip netns del ${set.blue.namespace}; ip netns add ${set.blue.namespace}`,
	);
	// Not of the same address, which is the old one's until that has died.
	macvlan(set.host, 'p0', set.blue, '02:00:00:00:00:b2');
	const { line } = await session.ends(8);
	expect(line.end, `inode ${old} became ${inodeOf(set.blue)}`).toBe('sources_gone');
	expect(set.xspan.noted()).toEqual([]);
});
