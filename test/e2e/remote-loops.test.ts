/** A mirror never feeds itself, nor another one that would feed it. */
import { expect, test } from 'vitest';
import { udpFrame } from '../harness/frames.ts';
import { allHooks } from '../harness/hooks.ts';
import { Lab } from '../harness/lab.ts';
import { observe } from '../harness/observed.ts';
import {
	COLLECTOR,
	Collector,
	FAMILIES,
	FORMATS,
	inner,
	RSPAN_ONLY,
	remote,
	sendAll,
	UPLINK,
} from '../harness/remote.ts';
import { cable } from '../harness/scene.ts';

const COUNT = 50;
const times = (frame: Buffer): Buffer[] => Array<Buffer>(COUNT).fill(frame);
/** Neighbour discovery and the like does not count; copies would. */
const UNCHATTY = 'not arp and not icmp and not ip6';

test.each([FORMATS.vxlan, FORMATS.erspan3])(
	'the uplink as a source, both directions: all but the copies, $what',
	async (format) => {
		await using lab = new Lab();
		const { host, collector } = remote(lab);
		// Replies count, too: what the collector sends is received at the uplink.
		const ear = await Collector.start(collector, lab);
		const args = ['mirror', 'u0', '--to', format.to(COLLECTOR[4]), '--filter', UNCHATTY];
		const session = await observe(host, ...args);
		const [sent, received] = [udpFrame(200), udpFrame(300)];
		await sendAll(host, 'u0', times(sent));
		await sendAll(collector, 'k0', times(received));
		await session.sees(2 * COUNT);
		const { line } = await session.stop();
		expect(line.ledger.delivered).toEqual({ frames: 2 * COUNT, bytes: COUNT * 500 });
		// The traffic itself, and one copy of each.
		const frames = (await ear.collects(3 * COUNT)).map((frame) => frame.toString('hex'));
		expect(frames.filter((frame) => frame === sent.toString('hex'))).toHaveLength(COUNT);
		const copies = (of: Buffer) =>
			frames.filter((frame) => inner(Buffer.from(frame, 'hex'), format, 4) === of.toString('hex'));
		expect(copies(sent)).toHaveLength(COUNT);
		expect(copies(received)).toHaveLength(COUNT);
	},
);

test('RSPAN beside the traffic of a trunk that is itself a source of another session', async () => {
	await using lab = new Lab();
	const { client, host, collector } = remote(lab);
	const ear = await Collector.start(collector, lab, 'k0', RSPAN_ONLY);
	const first = await observe(
		host,
		'mirror',
		'h0',
		'--to',
		'rspan:u0?vlan=900',
		'--filter',
		UNCHATTY,
	);
	const second = await observe(host, 'mirror', 'u0', '--to', 'port:h0', '--filter', UNCHATTY);
	await sendAll(client, 'c0', times(udpFrame(100)));
	await first.sees(COUNT);
	const one = await first.stop();
	const two = await second.stop();
	// What h0 receives goes out of u0 as a copy, which u0's session does not copy again.
	expect(one.line.ledger.delivered.frames).toBe(COUNT);
	expect(two.line.ledger.delivered.frames).toBe(0);
	await ear.collects(COUNT);
});

test('two sessions that mirror the uplink of each other do not multiply', async () => {
	await using lab = new Lab();
	const { host, collector } = remote(lab);
	cable(host, 'u1', collector, 'k1', lab);
	host.ip('address', 'add', '198.51.100.1/24', 'dev', 'u1');
	collector.ip('address', 'add', '198.51.100.9/24', 'dev', 'k1');
	const [zero, one] = [
		await Collector.start(collector, lab, 'k0'),
		await Collector.start(collector, lab, 'k1'),
	];
	const { vxlan, erspan2 } = FORMATS;
	const sessions = [
		await observe(host, 'mirror', 'u0', '--to', vxlan.to('198.51.100.9'), '--filter', UNCHATTY),
		await observe(host, 'mirror', 'u1', '--to', erspan2.to(COLLECTOR[4]), '--filter', UNCHATTY),
	];
	const [a, b] = [udpFrame(200), udpFrame(300)];
	await sendAll(host, 'u0', times(a));
	await sendAll(host, 'u1', times(b));
	const lines = [];
	for (const session of sessions) {
		await session.sees(COUNT);
		lines.push((await session.stop()).line);
	}
	expect(lines.map((line) => line.ledger.delivered)).toEqual([
		{ frames: COUNT, bytes: COUNT * 200 },
		{ frames: COUNT, bytes: COUNT * 300 },
	]);
	// On each wire its own traffic, and the copies of the other's.
	const at0 = await zero.collects(2 * COUNT);
	const at1 = await one.collects(2 * COUNT);
	const hex = (frame: Buffer) => frame.toString('hex');
	expect(at0.filter((frame) => hex(frame) === hex(a))).toHaveLength(COUNT);
	expect(at0.filter((frame) => inner(frame, erspan2, 4) === hex(b))).toHaveLength(COUNT);
	expect(at1.filter((frame) => hex(frame) === hex(b))).toHaveLength(COUNT);
	expect(at1.filter((frame) => inner(frame, vxlan, 4) === hex(a))).toHaveLength(COUNT);
});

test.each(FAMILIES)('a destination that is this host is refused: IPv%i', async (family) => {
	await using lab = new Lab();
	const { host } = remote(lab);
	const before = allHooks(host);
	for (const address of [UPLINK[family], family === 4 ? '127.0.0.1' : '::1']) {
		const { code, stderr } = await host.xspan('mirror', 'h0', '--to', FORMATS.gre.to(address))
			.finished;
		expect(code, stderr).toBe(6);
		expect(stderr).toContain(`${address} is this host itself`);
	}
	expect(allHooks(host)).toEqual(before);
});

test("a source that is the other end of the uplink's cable is refused", async () => {
	await using lab = new Lab();
	const host = lab.host('host');
	lab.wire(host, 'u0', host, 'u1');
	host.ip('address', 'add', '192.0.2.1/24', 'dev', 'u0');
	const before = allHooks(host);
	const { code, stderr } = await host.xspan('mirror', 'u1', '--to', 'gre://192.0.2.9').finished;
	expect(code, stderr).toBe(6);
	expect(stderr).toMatch(/u0, the other end of u1/);
	expect(allHooks(host)).toEqual(before);
});

test.each([
	{ to: 'rspan:h0?vlan=900', says: /both source and destination/ },
	{ to: 'rspan:lo?vlan=900', says: /lo/ },
])('$to from h0 is refused', async ({ to, says }) => {
	await using lab = new Lab();
	const { host } = remote(lab);
	const { code, stderr } = await host.xspan('mirror', 'h0', '--to', to).finished;
	expect(code, stderr).toBe(6);
	expect(stderr).toMatch(says);
});
