/** The way to the collector changes, closes and opens again under a session, which goes on by itself. */
import { expect, test } from 'vitest';
import { udpFrame } from '../harness/frames.ts';
import { type Host, Lab, until } from '../harness/lab.ts';
import { type Observed, observe } from '../harness/observed.ts';
import {
	addressed,
	COLLECTOR,
	COLLECTOR_MAC,
	Collector,
	decode,
	destination,
	FAMILIES,
	type Family,
	FORMATS,
	type Remote,
	remote,
	sendAll,
	UPLINK,
	uplink,
} from '../harness/remote.ts';
import { cable } from '../harness/scene.ts';

const FORMAT = FORMATS.erspan2;
const FRAME = udpFrame(100);

const mirror = (host: Host, family: Family, ...options: string[]): Promise<Observed> =>
	observe(
		host,
		...['mirror', 'h0', '--to', destination(FORMAT, family), '--direction', 'rx', ...options],
	);

/** One frame after the other, until what is counted has the number that is wanted. */
async function sendsUntil({ client }: Remote, holds: () => boolean, what: string): Promise<void> {
	await until(
		async () => {
			if (holds()) return true;
			await sendAll(client, 'c0', [FRAME]);
			return holds();
		},
		what,
		20_000,
	);
}

const lost = (session: Observed, reason: string): number =>
	session.lines().at(-1)?.ledger.lost_by[reason]?.frames ?? 0;

const delivered = (session: Observed): number =>
	session.lines().at(-1)?.ledger.delivered.frames ?? 0;

/** Sends until frames are lost for a reason. */
const losesBy = (all: Remote, session: Observed, reason: string): Promise<void> => {
	const before = lost(session, reason);
	return sendsUntil(all, () => lost(session, reason) > before, `frames lost by ${reason}`);
};

/** Sends until a frame is delivered again. */
const delivers = (all: Remote, session: Observed): Promise<void> => {
	const before = delivered(session);
	return sendsUntil(all, () => delivered(session) > before, 'a frame delivered');
};

const says = (session: Observed, code: string): Promise<void> =>
	session.run.says(new RegExp(`"notice":\\{"code":"${code}"`));

/** Ends: only these reasons, and everything that counts as delivered has come. */
async function ends(session: Observed, ear: Collector, ...reasons: string[]): Promise<Buffer[]> {
	const { line } = await session.stop();
	expect(Object.keys(line.ledger.lost_by).sort()).toEqual([...reasons].sort());
	return ear.collects(line.ledger.delivered.frames);
}

/** Numbers of a session: what was lost on the way out took none. */
function expectNumbered(ear: Collector): void {
	const numbers = decode(ear.file, ['gre.sequence_number'] as const);
	expect(numbers.map((row) => Number(row['gre.sequence_number'][0]))).toEqual(
		numbers.map((_, number) => number),
	);
}

test.each(FAMILIES)('a better route to another uplink is taken at once: IPv%i', async (family) => {
	await using lab = new Lab();
	const all = remote(lab);
	const { host, collector } = all;
	cable(host, 'u1', collector, 'k1', lab);
	const [from, to] = family === 4 ? ['198.51.100.1', '198.51.100.9'] : ['fd11::1', 'fd11::9'];
	addressed(host, 'u1', '198.51.100.1', 'fd11::1');
	addressed(collector, 'k1', '198.51.100.9', 'fd11::9');
	const [first, second] = [
		await Collector.start(collector, lab, 'k0'),
		await Collector.start(collector, lab, 'k1'),
	];
	const session = await mirror(host, family);
	await delivers(all, session);
	const prefix = `${COLLECTOR[family]}/${family === 4 ? 32 : 128}`;
	host.ip('route', 'add', prefix, 'via', to, 'dev', 'u1');
	await sendsUntil(all, () => second.frames().length > 2, 'frames on the other uplink');
	host.ip('route', 'del', prefix);
	const before = first.frames().length;
	await sendsUntil(all, () => first.frames().length > before, 'frames on the first one again');
	const { line } = await session.stop();
	// The next hop there may not be known at first.
	const { no_neighbour: unknown, ...others } = line.ledger.lost_by;
	expect(others).toEqual({});
	const sum = () => first.frames().length + second.frames().length;
	await until(() => sum() >= line.ledger.delivered.frames, 'what was delivered');
	const total = (await first.stop()).length + (await second.stop()).length;
	expect(total).toBe(line.ledger.delivered.frames);
	expect(total + (unknown?.frames ?? 0)).toBe(line.ledger.seen.frames);
	const source = family === 4 ? 'ip.src' : 'ipv6.src';
	const sources = (ear: Collector) =>
		new Set(decode(ear.file, [source] as const).map((row) => row[source][0]));
	expect(sources(first)).toEqual(new Set([UPLINK[family]]));
	expect(sources(second)).toEqual(new Set([from]));
});

test('a collector behind a router: the frame goes to the gateway, the packet to the collector', async () => {
	await using lab = new Lab();
	const all = remote(lab);
	all.host.ip('route', 'add', '203.0.113.0/24', 'via', COLLECTOR[4]);
	const ear = await Collector.start(all.collector, lab);
	const to = FORMAT.to('203.0.113.77');
	const session = await observe(all.host, 'mirror', 'h0', '--to', to, '--direction', 'rx');
	await delivers(all, session);
	await ends(session, ear);
	const [row] = decode(ear.file, ['eth.dst', 'ip.dst', 'ip.src'] as const);
	const addresses = [row?.['eth.dst'][0], row?.['ip.dst'][0], row?.['ip.src'][0]];
	expect(addresses).toEqual([COLLECTOR_MAC, '203.0.113.77', UPLINK[4]]);
});

test.each(FAMILIES)('no route at first, then one, then none: IPv%i', async (family) => {
	await using lab = new Lab();
	const all = remote(lab);
	const ear = await Collector.start(all.collector, lab);
	const prefix = family === 4 ? '192.0.2.0/24' : '2001:db8::/64';
	all.host.ip('route', 'del', prefix, 'dev', 'u0');
	const session = await mirror(all.host, family);
	await says(session, 'no_route');
	await losesBy(all, session, 'no_route');
	all.host.ip('route', 'add', prefix, 'dev', 'u0');
	await delivers(all, session);
	await says(session, 'destination_up');
	all.host.ip('route', 'del', prefix, 'dev', 'u0');
	await losesBy(all, session, 'no_route');
	const { line } = await session.stop();
	const { no_route: noRoute, no_neighbour: unknown, ...others } = line.ledger.lost_by;
	expect(others).toEqual({});
	expect(noRoute?.frames).toBeGreaterThan(1);
	expect(unknown?.frames ?? 0).toBeLessThan(line.ledger.seen.frames - 2);
	await ear.collects(line.ledger.delivered.frames);
	expectNumbered(ear);
});

test.each(FAMILIES)('a next hop that does not answer at first: IPv%i', async (family) => {
	await using lab = new Lab();
	const all = remote(lab);
	const ear = await Collector.start(all.collector, lab);
	all.collector.ip('address', 'flush', 'dev', 'k0');
	const session = await mirror(all.host, family);
	await losesBy(all, session, 'no_neighbour');
	await says(session, 'no_neighbour');
	addressed(all.collector, 'k0', COLLECTOR[4], COLLECTOR[6]);
	await delivers(all, session);
	await says(session, 'destination_up');
	await ends(session, ear, 'no_neighbour');
	expectNumbered(ear);
});

test('the collector gets another MAC address', async () => {
	await using lab = new Lab();
	const all = remote(lab);
	const ear = await Collector.start(all.collector, lab);
	const session = await mirror(all.host, 4);
	await delivers(all, session);
	const other = '02:00:00:00:00:77';
	all.collector.ip('link', 'set', 'k0', 'address', other);
	// It says so, as one that takes over an address does.
	all.host.ip('neigh', 'replace', COLLECTOR[4], 'lladdr', other, 'dev', 'u0', 'nud', 'reachable');
	const before = ear.frames().length;
	await sendsUntil(all, () => ear.frames().length > before, 'a frame to the new address');
	await ends(session, ear);
	const targets = decode(ear.file, ['eth.dst'] as const).map((row) => row['eth.dst'][0]);
	expect([targets[0], targets.at(-1)]).toEqual([COLLECTOR_MAC, other]);
});

test.each(FAMILIES)('the uplink goes down and comes back: IPv%i', async (family) => {
	await using lab = new Lab();
	const all = remote(lab);
	const ear = await Collector.start(all.collector, lab);
	const session = await mirror(all.host, family);
	await delivers(all, session);
	all.host.ip('link', 'set', 'u0', 'down');
	await losesBy(all, session, 'uplink_down');
	await says(session, 'uplink_down');
	all.host.ip('link', 'set', 'u0', 'up');
	// IPv6 addresses go with the link, as they do.
	if (family === 6) addressed(all.host, 'u0', '192.0.2.3', UPLINK[6]);
	await delivers(all, session);
	await says(session, 'destination_up');
	const { line } = await session.stop();
	expect(line.ledger.lost_by['uplink_down']?.frames).toBeGreaterThan(0);
	await ear.collects(line.ledger.delivered.frames);
	expectNumbered(ear);
});

test('the trunk of RSPAN goes down and comes back', async () => {
	await using lab = new Lab();
	const all = remote(lab);
	const to = ['--to', 'rspan:u0?vlan=900', '--direction', 'rx'];
	const session = await observe(all.host, 'mirror', 'h0', ...to);
	await delivers(all, session);
	all.host.ip('link', 'set', 'u0', 'down');
	await losesBy(all, session, 'uplink_down');
	await says(session, 'uplink_down');
	all.host.ip('link', 'set', 'u0', 'up');
	await delivers(all, session);
	await says(session, 'destination_up');
	const { line } = await session.stop();
	expect(Object.keys(line.ledger.lost_by)).toContain('uplink_down');
});

test('the uplink is taken away and put in again', async () => {
	await using lab = new Lab();
	const all = remote(lab);
	const session = await mirror(all.host, 4);
	await delivers(all, session);
	all.host.ip('link', 'del', 'u0');
	await losesBy(all, session, 'no_route');
	uplink(all, lab);
	const ear = await Collector.start(all.collector, lab);
	await delivers(all, session);
	await ear.waits(1);
	const { line } = await session.stop();
	expect(line.end).toBe('aborted');
});

test('--source-address', async () => {
	await using lab = new Lab();
	const all = remote(lab);
	all.host.ip('address', 'add', '192.0.2.200/24', 'dev', 'u0');
	all.host.ip('address', 'add', '2001:db8::200/64', 'dev', 'u0', 'nodad');
	for (const [family, source] of [
		[4, '192.0.2.200'],
		[6, '2001:db8::200'],
	] as const) {
		const ear = await Collector.start(all.collector, lab);
		const session = await mirror(all.host, family, '--source-address', source);
		await delivers(all, session);
		await ends(session, ear);
		const rows = decode(ear.file, ['ip.src', 'ipv6.src', 'ip.checksum.status'] as const);
		const field = family === 4 ? 'ip.src' : 'ipv6.src';
		expect(rows[0]?.[field][0]).toBe(source);
		expect(rows[0]?.['ip.checksum.status'].filter((status) => status !== '1')).toEqual([]);
	}
});
