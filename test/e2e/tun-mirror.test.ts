/** Mirrors of interfaces without an Ethernet header: each copy gets one on its way. */
import { release } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { isAtLeast } from '../../src/doctor/doctor.ts';
import { everywhere, quietHost, Xspan } from '../harness/containers.ts';
import { udpFrame } from '../harness/frames.ts';
import { state } from '../harness/hooks.ts';
import { type Host, Lab, until } from '../harness/lab.ts';
import { observe } from '../harness/observed.ts';
import { frameBytes, Listener } from '../harness/readers.ts';
import {
	addressed,
	Collector,
	decode,
	destination,
	FORMATS,
	inner,
	overhead,
	remote,
	sendAll,
} from '../harness/remote.ts';
import { root } from '../harness/testkit.ts';
import { hex, packet, packet6, type Tun, tun } from '../harness/tun.ts';

const ETHERNET_LEN = 14;
const PEER = '025853000001';
const HOST = '025853000002';

/** What a wire would carry. */
function framed(bytes: Buffer, direction: 'rx' | 'tx'): string {
	const addresses = direction === 'rx' ? HOST + PEER : PEER + HOST;
	return `${addresses}${bytes[0] === 0x60 ? '86dd' : '0800'}${hex(bytes)}`;
}

const RECEIVED = [packet(9), packet6(), packet(10, 1500), packet(11, 28)];
const SENT = [packet6(), packet(12), packet(13, 1500)];
const FRAMED = [
	...RECEIVED.map((each) => framed(each, 'rx')),
	...SENT.map((each) => framed(each, 'tx')),
];
const COUNT = {
	frames: FRAMED.length,
	bytes: FRAMED.reduce((sum, each) => sum + each.length / 2, 0),
};

/** Packets of both kinds in both directions, the received ones first. */
async function talk(host: Host, { write }: Tun, sees: (frames: number) => Promise<void>) {
	for (const each of RECEIVED) write(each);
	await sees(RECEIVED.length);
	await sendAll(host, 'tun0', SENT);
	await sees(COUNT.frames);
}

const names = (host: Host): string[] =>
	JSON.parse(host.ip('-json', 'link', 'show')).map((link: { ifname: string }) => link.ifname);

test('to a port: the packet as it was, behind an Ethernet header that says whence it came', async () => {
	await using lab = new Lab();
	const [host, ids] = [lab.host('host'), lab.host('ids')];
	lab.wire(host, 'm0', ids, 'i0');
	const source = await tun(host);
	const before = { traces: everywhere([host]), state: state(host) };
	const ear = await Listener.start(ids, 'i0', join(lab.directory(), 'i0.pcap'));
	const session = await observe(host, 'mirror', 'tun0', '--to', 'port:m0');
	const others = (state(host) as { ifname: string }[]).filter(
		({ ifname }) => !ifname.startsWith('xspan'),
	);
	expect(others, 'while it runs').toEqual(before.state);
	await talk(host, source, (frames) => session.sees(frames));
	const { line } = await session.stop();
	expect(line.ledger.delivered).toEqual(COUNT);
	expect(await ear.hears(COUNT.frames)).toBe(COUNT.frames);
	expect(frameBytes(ear.file)).toEqual(FRAMED);
	expect({ traces: everywhere([host]), state: state(host) }).toEqual(before);
});

const { vxlan, erspan3, geneveMeta } = FORMATS;

test.each([
	{ ...vxlan, family: 4 as const },
	{ ...erspan3, family: 6 as const },
	{ ...geneveMeta, family: 4 as const },
])('to a collector, with the direction where the format has it: $what', async (row) => {
	await using lab = new Lab();
	const { host, collector } = remote(lab, { uplinkMtu: 1600 });
	const source = await tun(host);
	const ear = await Collector.start(collector, lab);
	const session = await observe(host, 'mirror', 'tun0', '--to', destination(row, row.family));
	await talk(host, source, (frames) => session.sees(frames));
	const { line } = await session.stop();
	expect(line.ledger.delivered).toEqual(COUNT);
	expect(line.mirror_port?.truncated.frames).toBe(0);
	const frames = await ear.collects(COUNT.frames);
	expect(frames.map((frame) => inner(frame, row, row.family))).toEqual(FRAMED);
	const fields = ['erspan.direction', 'geneve.option.unknown.data'] as const;
	for (const [i, each] of decode(ear.file, fields).entries()) {
		const isSent = i >= RECEIVED.length ? 1 : 0;
		if (row === erspan3) expect(Number(each['erspan.direction'][0])).toBe(isSent);
		const [about] = each['geneve.option.unknown.data'];
		if (row === geneveMeta) expect(Number.parseInt(about?.slice(4, 6) ?? '', 16)).toBe(isSent);
	}
});

test('beside a source with Ethernet, whose frames keep their way; with a filter and a snap length', async () => {
	await using lab = new Lab();
	const { client, host, collector } = remote(lab);
	const source = await tun(host);
	const ear = await Collector.start(collector, lab);
	const to = ['--to', destination(vxlan, 4), '--snaplen', '64', '--filter', 'udp dst port 9'];
	const session = await observe(host, 'mirror', 'tun0', 'h0', ...to, '--direction', 'rx');
	const frame = udpFrame(200);
	for (const port of [9, 10]) {
		source.write(packet(port));
		await sendAll(client, 'c0', [udpFrame(200, { port })]);
	}
	await session.sees(4);
	const { line } = await session.stop();
	expect(line.ledger.filtered.frames).toBe(2);
	expect(line.ledger.delivered).toEqual({ frames: 2, bytes: ETHERNET_LEN + 86 + 200 });
	const copies = (await ear.collects(2)).map((each) => inner(each, vxlan, 4));
	const cut = [framed(packet(9), 'rx'), hex(frame)].map((each) => each.slice(0, 2 * 64));
	expect(copies.sort()).toEqual(cut.sort());
});

test('a filter that changes while it runs', async () => {
	await using lab = new Lab();
	const { host, collector } = remote(lab);
	const source = await tun(host);
	const ear = await Collector.start(collector, lab);
	const run = host.program('remote-update.mjs', 'tun0', destination(vxlan, 4));
	await run.says(/ready/);
	source.write(packet(9));
	await ear.waits(1);
	run.child.stdin?.write('udp dst port 10\n');
	await run.says(/^updated/m);
	for (const port of [9, 10]) source.write(packet(port));
	await ear.waits(2);
	run.child.stdin?.end();
	expect((await run.finished).code).toBe(0);
	const copies = (await ear.collects(2)).map((each) => inner(each, vxlan, 4));
	expect(copies).toEqual([9, 10].map((port) => framed(packet(port), 'rx')));
});

const BYTES = 3_000_000;
const PORT = '5001';
const ADDRESSES = { 4: '10.9.0.', 6: 'fd00::' } as const;
const GOOD = '1';

test.each([
	{ ...erspan3, family: 6 as const, hook: [] },
	{ ...vxlan, family: 4 as const, hook: ['--hook', 'clsact'] },
])('super-frames of TCP over IPv$family become packets: $what $hook', async (row) => {
	await using lab = new Lab();
	const { client, host, collector } = remote(lab, { uplinkMtu: 1600 });
	const ends = [client.namespace, 'tun1', host.namespace, 'tun0'];
	const line0 = client.spawn('python3', ['test/harness/programs/tun-cable.py', ...ends]);
	await line0.says(/ready/);
	for (const [end, name, number] of [
		[client, 'tun1', 1],
		[host, 'tun0', 2],
	] as const) {
		addressed(end, name, `${ADDRESSES[4]}${number}`, `${ADDRESSES[6]}${number}`);
		end.ip('link', 'set', name, 'up');
	}
	const ear = await Collector.start(collector, lab);
	const to = ['--to', destination(row, 4), '--filter', `tcp port ${PORT}`, ...row.hook];
	const session = await observe(host, 'mirror', 'tun0', ...to);
	const server = host.program('transfer.mjs', 'serve', PORT);
	await server.says(/listening/);
	const address = `${ADDRESSES[row.family]}2`;
	const sender = client.program('transfer.mjs', 'send', address, PORT, String(BYTES));
	expect((await sender.finished).code).toBe(0);
	await server.finished;
	const { line } = await session.stop();
	line0.child.stdin?.end();
	await line0.says(/longest/);
	const longest = /longest (\d+) (\d+)/.exec(line0.stdout)?.slice(1).map(Number) ?? [];
	expect(Math.min(...longest), 'there were super-frames both ways').toBeGreaterThan(1500);
	expect(line.ledger.lost_by).toEqual({});
	expect(line.mirror_port?.truncated.frames).toBe(0);
	for (const tap of line.taps) expect(tap.ledger.delivered.bytes).toBeGreaterThan(BYTES);

	const frames = await ear.collects(line.ledger.delivered.frames);
	const lengths = frames.map((frame) => frame.length - overhead(row, 4));
	expect(lengths.reduce((sum, length) => sum + length, 0)).toBe(line.ledger.delivered.bytes);
	expect(Math.max(...lengths)).toBe(ETHERNET_LEN + 1500);
	const fields = ['tcp.dstport', 'tcp.checksum.status', 'erspan.direction', 'tcp.len'] as const;
	let payload = 0;
	for (const each of decode(ear.file, fields)) {
		expect(each['tcp.checksum.status']).toEqual([GOOD]);
		payload += Number(each['tcp.len'][0]);
		if (row.what === erspan3.what)
			expect(each['erspan.direction']).toEqual([each['tcp.dstport'][0] === PORT ? '0' : '1']);
	}
	expect(payload).toBeGreaterThanOrEqual(2 * BYTES);
});

/** SKB_MAX_ALLOC in include/linux/skbuff.h: 16 KiB, less what the kernel needs itself. */
const TOO_LONG = 20_000;
const EMSGSIZE = 90;

test('a single packet that the kernel can put nothing in front of is lost, and counted', async () => {
	await using lab = new Lab();
	const [host, ids] = [lab.host('host'), lab.host('ids')];
	lab.wire(host, 'm0', ids, 'i0', 65_535);
	const { write } = await tun(host, 'tun0', 65_535);
	const session = await observe(host, 'mirror', 'tun0', '--to', 'port:m0');
	for (const length of [TOO_LONG, 9000]) write(packet(9, length));
	await session.sees(2);
	const { line } = await session.stop();
	expect(line.ledger.delivered).toEqual({ frames: 1, bytes: ETHERNET_LEN + 9000 });
	const lost = { frames: 1, bytes: ETHERNET_LEN + TOO_LONG };
	expect(line.ledger).toMatchObject({ lost_by: { clone_failed: lost }, clone_errno: EMSGSIZE });
});

test('kill -9 leaves no TUN device', async () => {
	await using lab = new Lab();
	const { host } = remote(lab);
	await tun(host);
	const before = names(host);
	const xspan = new Xspan(host, lab);
	const session = await xspan.observe('mirror', 'tun0', '--to', destination(vxlan, 4));
	expect(names(host).sort()).toEqual([...before, 'xspan0', 'xspan0-in', 'xspan0-raw'].sort());
	await session.run.stop('SIGKILL');
	await until(() => !names(host).includes('xspan0-raw'), 'the end of the device');
	const { stdout } = await xspan.run('clean').finished;
	expect(stdout).toMatch(/^removed: mirror port xspan0, left by process \d+$/m);
	expect(stdout).not.toContain('raw');
	expect(names(host)).toEqual(before);
});

test('removing it ends the session with exit code 8', async () => {
	await using lab = new Lab();
	const { host } = remote(lab);
	await tun(host);
	const before = names(host);
	const session = await observe(host, 'mirror', 'tun0', '--to', destination(vxlan, 4));
	host.ip('link', 'del', 'xspan0-raw');
	expect((await session.ends(8)).line.end).toBe('destination_gone');
	expect(names(host)).toEqual(before);
});

test('a foreign device of its name is not touched: it takes another', async () => {
	await using lab = new Lab();
	const { host } = remote(lab);
	const source = await tun(host);
	await tun(host, 'xspan0-raw');
	const before = names(host);
	const session = await observe(host, 'mirror', 'tun0', '--to', destination(vxlan, 4));
	expect(names(host)).toContain('xspan1-raw');
	source.write(packet(9));
	await session.sees(1);
	expect((await session.stop()).line.ledger.delivered.frames).toBe(1);
	expect(names(host)).toEqual(before);
});

test('without /dev/net/tun it says what is missing, and leaves nothing', async () => {
	await using lab = new Lab();
	const { host } = remote(lab);
	await tun(host);
	const before = names(host);
	const script = 'mount -t tmpfs none /dev/net && exec "$0" "$@"';
	const command = [process.execPath, join(root, 'dist/cli/main.js')];
	const args = ['mirror', 'tun0', '--to', destination(vxlan, 4)];
	const run = host.spawn('unshare', ['-m', 'sh', '-c', script, ...command, ...args]);
	const { code, stderr } = await run.finished;
	expect(code, stderr).toBe(5);
	expect(stderr).toMatch(/needs a TUN device of its own: .*\/dev\/net\/tun/);
	expect(stderr).toMatch(/modprobe tun/);
	expect(names(host)).toEqual(before);
});

/** Taps elsewhere take tcx. */
const hasTcx = isAtLeast(release(), 6, 6);

test.runIf(hasTcx)('in another namespace: through a relay, and the namespace may go', async () => {
	await using lab = new Lab();
	const { host, collector } = remote(lab, { uplinkMtu: 1600 });
	const inside = quietHost(lab, 'inside');
	const source = await tun(inside);
	const ear = await Collector.start(collector, lab);
	const xspan = new Xspan(host, lab);
	const name = `netns:${inside.namespace}/tun0`;
	const to = ['--to', destination(erspan3, 4)];
	const session = await xspan.observe('mirror', name, 'h0', ...to);
	expect(names(inside)).toContain('xspan0-raw');
	await talk(inside, source, (frames) => session.sees(frames));
	const frames = await ear.collects(COUNT.frames);
	expect(frames.map((frame) => inner(frame, erspan3, 4))).toEqual(FRAMED);
	const directions = decode(ear.file, ['erspan.direction']).map((each) =>
		Number(each['erspan.direction'][0]),
	);
	expect(directions).toEqual([...RECEIVED.map(() => 0), ...SENT.map(() => 1)]);
	// Another end of its cable shows whether the namespace still lives.
	lab.wire(host, 'w0', inside, 'w1');
	await source.run.stop('SIGKILL');
	lab.remove(inside);
	await until(() => !names(host).includes('w0'), 'the end of the namespace');
	const { line } = await session.stop();
	expect(line.taps.map((tap) => [tap.ended, tap.ledger.delivered.frames])).toEqual([
		[true, RECEIVED.length],
		[true, SENT.length],
		[false, 0],
		[false, 0],
	]);
	expect(names(host)).toEqual(['lo', 'h0', 'u0']);
	expect(xspan.noted()).toEqual([]);
});
