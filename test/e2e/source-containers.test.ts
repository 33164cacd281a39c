/** A container on a veth pair as a source, however it is named: tapped at the host's end. */
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { Container, everywhere, programsOf, Xspan } from '../harness/containers.ts';
import { udpFrame } from '../harness/frames.ts';
import { freed } from '../harness/hooks.ts';
import { type Host, Lab } from '../harness/lab.ts';
import { frameBytes, Listener, tshark } from '../harness/readers.ts';
import { COLLECTOR, Collector, decode, FORMATS, type Remote, remote } from '../harness/remote.ts';

const SENT = udpFrame(100);
const RECEIVED = udpFrame(200);
const hex = (frame: Buffer) => frame.toString('hex');

interface Set extends Remote {
	blue: Host;
	all: Host[];
	xspan: Xspan;
}

/** blue eth0 -- vblue host; m0 -- i0 collector is the way of a plain mirror. */
function build(lab: Lab): Set {
	const set = remote(lab);
	const blue = lab.host('blue');
	lab.wire(set.host, 'vblue', blue, 'eth0');
	lab.wire(set.host, 'm0', set.collector, 'i0');
	const all = [set.host, blue, set.collector];
	return { ...set, blue, all, xspan: new Xspan(set.host, lab) };
}

/** What the container sends and receives. */
async function traffic({ blue, host }: Set, sent: number, received: number): Promise<void> {
	await blue.sendSelf('eth0', SENT, sent);
	await host.sendSelf('vblue', RECEIVED, received);
}

const NAMES = [
	{ what: 'netns:NAME/eth0', name: (box: Container) => `netns:${box.inside.namespace}/eth0` },
	{ what: 'pid:PID', name: (box: Container) => `pid:${box.pid}` },
	{ what: 'pid:PID/eth0', name: (box: Container) => `pid:${box.pid}/eth0` },
	{ what: 'container:ID', name: (box: Container) => `container:${box.id.slice(0, 12)}` },
];

test.each(NAMES)('$what --direction rx: what the container receives', async ({ name }) => {
	await using lab = new Lab();
	const set = build(lab);
	await using box = new Container(set.blue);
	const before = everywhere(set.all);
	const ear = await Listener.start(set.collector, 'i0', join(lab.directory(), 'ids.pcap'));
	const to = ['--to', 'port:m0', '--direction', 'rx'];
	const session = await set.xspan.observe('mirror', name(box), ...to);
	await traffic(set, 500, 300);
	await session.sees(300);
	const { line } = await session.stop();
	expect(line.taps).toMatchObject([{ source: 'vblue', direction: 'tx', hook: 'tcx' }]);
	expect(line.ledger.delivered).toEqual({ frames: 300, bytes: 300 * RECEIVED.length });
	expect(await ear.hears(300)).toBe(300);
	expect(new Set(frameBytes(ear.file))).toEqual(new Set([hex(RECEIVED)]));
	expect(everywhere(set.all)).toEqual(before);
	expect(set.xspan.noted()).toEqual([]);
});

test('to a tunnel: both directions, and the bit of ERSPAN is that of what was named', async () => {
	await using lab = new Lab();
	const set = build(lab);
	await using box = new Container(set.blue);
	const before = everywhere(set.all);
	const ear = await Collector.start(set.collector, lab);
	const to = FORMATS.erspan3.to(COLLECTOR[4]);
	const session = await set.xspan.observe('mirror', `container:${box.id}`, '--to', to);
	await traffic(set, 200, 100);
	await session.sees(300);
	const { line } = await session.stop();
	expect(line.ledger.delivered.frames).toBe(300);
	await ear.collects(300);
	const rows = decode(ear.file, ['erspan.direction', 'frame.len']);
	const kinds = rows.map((row) => [row['erspan.direction'][0], row['frame.len'][0]].join(' '));
	const around = 14 + 20 + FORMATS.erspan3.bytes;
	expect(kinds.filter((kind) => kind === `1 ${around + SENT.length}`)).toHaveLength(200);
	expect(kinds.filter((kind) => kind === `0 ${around + RECEIVED.length}`)).toHaveLength(100);
	expect(everywhere(set.all)).toEqual(before);
});

test('to a file: the names of its interfaces are those of the host', async () => {
	await using lab = new Lab();
	const set = build(lab);
	await using box = new Container(set.blue);
	const before = everywhere(set.all);
	const file = join(lab.directory(), 'out.pcapng');
	const session = await set.xspan.observe('capture', `pid:${box.pid}`, '-w', file);
	await traffic(set, 20, 10);
	await session.sees(30);
	await session.stop();
	const rows = tshark(file, [
		...['frame.interface_name', 'frame.interface_description'],
		...['frame.packet_flags_direction', 'frame.len'],
	]).map((row) => row.map((field) => field.replace(/,.*/, '')).join(' '));
	expect(rows.filter((row) => row === 'vblue received 0x00000001 100')).toHaveLength(20);
	expect(rows.filter((row) => row === 'vblue sent 0x00000002 200')).toHaveLength(10);
	expect(rows).toHaveLength(30);
	expect(everywhere(set.all)).toEqual(before);
});

test('the host end and the container named together: each direction is tapped once', async () => {
	await using lab = new Lab();
	const set = build(lab);
	await using box = new Container(set.blue);
	const ear = await Listener.start(set.collector, 'i0', join(lab.directory(), 'ids.pcap'));
	const sources = ['vblue', `pid:${box.pid}`, `netns:${set.blue.namespace}/eth0`];
	const session = await set.xspan.observe('mirror', ...sources, '--to', 'port:m0');
	await traffic(set, 50, 40);
	await session.sees(90);
	const { line } = await session.stop();
	expect(line.taps).toHaveLength(2);
	expect(line.ledger.delivered.frames).toBe(90);
	expect(await ear.hears(90)).toBe(90);
});

test('killed while it mirrors a container: xspan clean leaves nothing in any namespace', async () => {
	await using lab = new Lab();
	const set = build(lab);
	await using box = new Container(set.blue);
	const before = everywhere(set.all);
	const session = await set.xspan.observe('mirror', `container:${box.id}`, '--to', 'port:m0');
	const programs = programsOf(set.all);
	await session.run.stop('SIGKILL');
	await freed(programs);
	expect((await set.xspan.run('clean').finished).code).toBe(0);
	expect(everywhere(set.all)).toEqual(before);
	expect(set.xspan.noted()).toEqual([]);
});
