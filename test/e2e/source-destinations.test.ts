/** Destinations other than an interface that is here: in another namespace, a TAP, a port of a bridge. */
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { everywhere, programsOf, quietHost, Xspan } from '../harness/containers.ts';
import { udpFrame } from '../harness/frames.ts';
import { freed } from '../harness/hooks.ts';
import { type Host, Lab } from '../harness/lab.ts';
import { frameBytes, Listener } from '../harness/readers.ts';
import { cable } from '../harness/scene.ts';

const SENT = udpFrame(100);
const RECEIVED = udpFrame(200);
const hex = (frame: Buffer) => frame.toString('hex');

interface Set {
	client: Host;
	host: Host;
	ids: Host;
	far: Host;
	all: Host[];
	xspan: Xspan;
	/** The destination's text. */
	to: string;
}

/** client c0 -- h0 host; ids has eth1, whose other end is f0 of far: the host has no way there. */
function build(lab: Lab, ifindex = 2): Set {
	const [client, host] = [quietHost(lab, 'client'), quietHost(lab, 'host')];
	const [ids, far] = [quietHost(lab, 'ids'), quietHost(lab, 'far')];
	cable(client, 'c0', host, 'h0', lab);
	// The index of h0, too, unless said otherwise: neither may be taken for the other.
	ids.ip(
		'link',
		'add',
		'eth1',
		'index',
		String(ifindex),
		'type',
		'veth',
		'peer',
		'name',
		'f0',
		'netns',
		far.namespace,
	);
	ids.ip('link', 'add', 'spare', 'type', 'veth', 'peer', 'name', 'eth2');
	ids.ip('link', 'set', 'eth1', 'up');
	far.ip('link', 'set', 'f0', 'up');
	const all = [client, host, ids, far];
	return {
		client,
		host,
		ids,
		far,
		all,
		xspan: new Xspan(host, lab),
		to: `port:netns:${ids.namespace}/eth1`,
	};
}

async function traffic({ host, client }: Set, count: number): Promise<void> {
	await client.send('c0', RECEIVED, count);
	await host.sendSelf('h0', SENT, count);
}

test('an interface in another namespace sends the copies', async () => {
	await using lab = new Lab();
	const set = build(lab);
	const before = everywhere(set.all);
	const ear = await Listener.start(set.far, 'f0', join(lab.directory(), 'far.pcap'));
	const session = await set.xspan.observe('mirror', 'h0', '--to', set.to);
	await traffic(set, 200);
	await session.sees(400);
	const { line } = await session.stop();
	expect(line.ledger.delivered).toEqual({ frames: 400, bytes: 200 * 300 });
	expect(await ear.hears(400)).toBe(400);
	expect(new Set(frameBytes(ear.file))).toEqual(new Set([hex(SENT), hex(RECEIVED)]));
	expect(everywhere(set.all)).toEqual(before);
	expect(set.xspan.noted()).toEqual([]);
});

// Until Session.destinationExists() asks for it in its own namespace, any change of a link here ends the session.
test('links that come and go here are nothing to a destination elsewhere', async () => {
	await using lab = new Lab();
	const set = build(lab, 88);
	const args = ['mirror', 'h0', '--to', set.to, '--duration', '2s'];
	const session = await set.xspan.observe(...args);
	set.host.ip('link', 'add', 'other', 'type', 'veth', 'peer', 'name', 'other1');
	set.host.ip('link', 'del', 'other');
	const { line } = await session.ends();
	expect(line.end).toBe('duration');
});

test('killed: xspan clean removes what reaches into the namespace of the destination', async () => {
	await using lab = new Lab();
	const set = build(lab);
	const before = everywhere(set.all);
	const session = await set.xspan.observe('mirror', 'h0', '--to', set.to);
	const programs = programsOf(set.all);
	await session.run.stop('SIGKILL');
	expect((await set.xspan.run('clean').finished).code).toBe(0);
	await freed(programs);
	expect(everywhere(set.all)).toEqual(before);
	expect(set.xspan.noted()).toEqual([]);
});

test('the interface in the other namespace is removed: the session ends with 8', async () => {
	await using lab = new Lab();
	const set = build(lab);
	const session = await set.xspan.observe('mirror', 'h0', '--to', set.to, '--duration', '30s');
	await traffic(set, 10);
	await session.sees(20);
	set.ids.ip('link', 'del', 'eth1');
	const { line } = await session.ends(8);
	expect(line.end).toBe('destination_gone');
	expect(everywhere([set.host]).flatMap((each) => each.programs)).toEqual([]);
	expect(set.xspan.noted()).toEqual([]);
});

test('the namespace of the destination ends: the session ends with 8', async () => {
	await using lab = new Lab();
	const set = build(lab);
	const session = await set.xspan.observe('mirror', 'h0', '--to', set.to, '--duration', '30s');
	await traffic(set, 10);
	await session.sees(20);
	lab.remove(set.ids);
	const { line } = await session.ends(8);
	expect(line.end).toBe('destination_gone');
	expect(everywhere([set.host]).flatMap((each) => each.programs)).toEqual([]);
	expect(set.xspan.noted()).toEqual([]);
});

test('what cannot be a destination is said with what was found', async () => {
	await using lab = new Lab();
	const { xspan, ids, host } = build(lab);
	const to = (text: string) => ['mirror', 'h0', '--to', `port:${text}`];
	await xspan.fails(
		3,
		/no network namespace named "no-such-name"/,
		...to('netns:no-such-name/eth1'),
	);
	await xspan.fails(3, /did you mean eth1 or eth2|eth1/, ...to(`netns:${ids.namespace}/eth9`));
	await xspan.fails(6, /eth2 is down/, ...to(`netns:${ids.namespace}/eth2`));
	await xspan.fails(2, /an interface is expected/, ...to(`netns:${ids.namespace}/eth*`));
	await xspan.fails(6, /both source and destination/, ...to(`netns:${host.namespace}/h0`));
	expect(xspan.noted()).toEqual([]);
});

/** Opens a TAP and prints each frame that comes out of it, as a virtual machine would take it. */
const GUEST = `
import fcntl, os, struct
tap = os.open('/dev/net/tun', os.O_RDWR)
fcntl.ioctl(tap, 0x400454ca, struct.pack('16sH22x', b'vm0', 0x1002)) # TUNSETIFF: IFF_TAP | IFF_NO_PI
print('ready', flush=True)
while True:
    print(os.read(tap, 65536).hex(), flush=True)`;

test('a TAP: its reader gets the copies byte for byte', async () => {
	await using lab = new Lab();
	const set = build(lab);
	const guest = set.host.spawn('python3', ['-c', GUEST]);
	await guest.says(/ready/);
	set.host.ip('link', 'set', 'vm0', 'up');
	const session = await set.xspan.observe('mirror', 'h0', '--to', 'port:vm0');
	await traffic(set, 100);
	await session.sees(200);
	const { line } = await session.stop();
	expect(line.ledger.delivered.frames).toBe(200);
	await guest.says(/(?:[0-9a-f]+\n){200}/);
	const read = guest.stdout.split('\n').filter((text) => /^[0-9a-f]+$/.test(text));
	expect(read.filter((frame) => frame === hex(SENT))).toHaveLength(100);
	expect(read.filter((frame) => frame === hex(RECEIVED))).toHaveLength(100);
	expect(read).toHaveLength(200);
});

test('a port of a bridge: the copies leave there, and do not enter the bridge', async () => {
	await using lab = new Lab();
	const set = build(lab);
	const { host, far } = set;
	host.ip('link', 'add', 'br0', 'type', 'bridge', 'mcast_snooping', '0');
	host.ip('link', 'set', 'br0', 'up');
	for (const port of ['q0', 'q1']) {
		lab.wire(host, port, far, `${port}far`);
		host.ip('link', 'set', port, 'master', 'br0');
	}
	const ear = await Listener.start(far, 'q0far', join(lab.directory(), 'port.pcap'));
	const other = await Listener.start(far, 'q1far', join(lab.directory(), 'other.pcap'));
	const session = await set.xspan.observe('mirror', 'h0', '--to', 'port:q0', '--direction', 'rx');
	await set.client.send('c0', RECEIVED, 100);
	await session.sees(100);
	const { line } = await session.stop();
	expect(line.ledger.delivered.frames).toBe(100);
	expect(await ear.hears(100)).toBe(100);
	expect(await other.hears(0)).toBe(0);
});
