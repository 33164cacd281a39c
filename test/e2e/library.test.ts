/** xspan as a library, in programs of their own inside the namespace of the monitored host. */
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { udpFrame } from '../harness/frames.ts';
import { hooks } from '../harness/hooks.ts';
import { type Host, Lab, type Run } from '../harness/lab.ts';
import { expectBalanced, type Line } from '../harness/ledger.ts';
import { frameBytes } from '../harness/readers.ts';
import { scene } from '../harness/scene.ts';

const COUNT = 5000;

type Said = Record<string, unknown>;

async function start(host: Host, scenario: string, ...args: string[]): Promise<Run> {
	const run = host.program('library.mjs', scenario, ...args);
	await run.says(/"attached"/);
	return run;
}

/** What a program has said after it was attached, when it has ended well. */
async function said(run: Run): Promise<Said[]> {
	const { code, signal, stdout, stderr } = await run.finished;
	expect({ code, signal }, stderr).toEqual({ code: 0, signal: null });
	return stdout
		.split('\n')
		.slice(1, -1)
		.map((line) => JSON.parse(line));
}

/** The end of a session, whose ledger balances. */
function ended(what: Said | undefined): Line & { reason: string } {
	const end = what?.['end'] as Line & { reason: string };
	expect(end).toBeDefined();
	expectBalanced(end);
	return end;
}

test('every field of a frame', async () => {
	await using lab = new Lab();
	const { client, host } = scene(lab);
	const run = await start(host, 'fields');
	const plain = udpFrame(100);
	const tagged = udpFrame(100, { tags: [{ id: 42, priority: 3 }] });
	const from = BigInt(Date.now()) * 1_000_000n;
	await client.send('c0', plain, 2);
	await client.send('c0', tagged, 1);
	await host.sendSelf('h0', plain, 1);
	const out = await said(run);
	const until = BigInt(Date.now()) * 1_000_000n;
	const common = { interface: 'h0', gso: false, segments: 1 };
	const row = (frame: Buffer, direction: string, vlan: number | null) => ({
		...common,
		bytes: frame.toString('hex'),
		wireLength: frame.length,
		capturedLength: frame.length,
		direction,
		vlan,
	});
	expect(out.slice(0, 4)).toMatchObject([
		row(plain, 'rx', null),
		row(plain, 'rx', null),
		row(tagged, 'rx', 42),
		row(plain, 'tx', null),
	]);
	const times = out.slice(0, 4).map((frame) => BigInt(frame['timeNs'] as string));
	expect([...times].sort((a, b) => (a < b ? -1 : 1))).toEqual(times);
	expect(times.every((time) => time > from - 5_000_000n && time < until + 5_000_000n)).toBe(true);
	for (const frame of out.slice(0, 4))
		expect(Number(frame['timeNs']) / 1e6).toBeCloseTo(frame['timeMs'] as number, 2);
	expect(ended(out[4]).reason).toBe('count');
});

test('where frames go next, and the frames behind that', async () => {
	await using lab = new Lab();
	const { client, host } = scene(lab);
	lab.wire(host, 'out', client, 'in');
	host.ip('address', 'add', '10.7.0.1/24', 'dev', 'out');
	host.exec('sh', '-c', 'echo 1 > /proc/sys/net/ipv4/ip_forward');
	host.ip('route', 'add', '10.9.0.2/32', 'via', '10.7.0.9');
	const [{ address }] = JSON.parse(host.ip('-j', 'link', 'show', 'h0'));
	const frame = udpFrame(100);
	frame.write(address.replaceAll(':', ''), 'hex');
	const run = await start(host, 'way');
	await client.send('c0', frame, 1);
	const [way, end] = await said(run);
	expect(way).toEqual({
		bytes: frame.toString('hex'),
		vlan: null,
		otherInterface: host.ifindex('out'),
		nextHop: [10, 7, 0, 9],
	});
	ended(end);
	const file = join(lab.directory(), 'way.pcapng');
	const writer = await start(host, 'wayInFile', file);
	await client.send('c0', frame, 1);
	ended((await said(writer))[0]);
	expect(frameBytes(file)).toEqual([frame.toString('hex')]);
});

test('a loop sees every frame', async () => {
	await using lab = new Lab();
	const { client, host } = scene(lab);
	const run = await start(host, 'count');
	await client.send('c0', udpFrame(100), COUNT);
	const out = await said(run);
	expect(out[0]).toEqual({ frames: COUNT, bytes: COUNT * 100 });
	expect(ended(out[1]).ledger.delivered).toEqual({ frames: COUNT, bytes: COUNT * 100 });
});

test.each([
	{ scenario: 'break', what: [{ some: true }] },
	{ scenario: 'throw', what: [{ caught: 'of mine, true' }] },
	{ scenario: 'close', what: [{ some: true }] },
	{ scenario: 'dispose', what: [{ some: true }, { caught: 'of mine' }] },
])('leaving the loop by $scenario ends the session', async ({ scenario, what }) => {
	await using lab = new Lab();
	const { client, host } = scene(lab);
	const run = await start(host, scenario);
	// Frames still come while the session ends: they belong in its ledger, too.
	const [out] = await Promise.all([said(run), client.send('c0', udpFrame(100), 300_000)]);
	expect(out.slice(0, -1)).toEqual(what);
	const end = ended(out.at(-1));
	expect(end.reason).toBe('closed');
	expect(end.ledger.delivered.frames).toBeGreaterThan(0);
	expect(hooks(host, 'h0')).toMatchObject({ rx: [], tx: [] });
});

test('a throw that nobody catches ends the process as in any program', async () => {
	await using lab = new Lab();
	const { client, host } = scene(lab);
	const run = await start(host, 'uncaught');
	await client.send('c0', udpFrame(100), COUNT);
	const { code, signal, stderr } = await run.finished;
	expect({ code, signal }).toEqual({ code: 1, signal: null });
	expect(stderr).toMatch(/Error: of mine, true/);
	expect(hooks(host, 'h0')).toMatchObject({ rx: [], tx: [] });
});

test('frames that nobody reads are lost, and counted', async () => {
	await using lab = new Lab();
	const { client, host } = scene(lab);
	const run = await start(host, 'unread');
	await client.send('c0', udpFrame(100), COUNT);
	const end = ended((await said(run))[0]);
	expect(end.reason).toBe('count');
	expect(end.ledger.seen.frames).toBe(COUNT);
	expect(end.ledger.lost.frames).toBe(COUNT);
});

test('a loop that is behind when the session ends still gets every frame', async () => {
	await using lab = new Lab();
	const { client, host } = scene(lab);
	const run = await start(host, 'slow');
	await client.send('c0', udpFrame(1000), 5 * COUNT);
	const out = await said(run);
	const { ledger } = ended(out[1]);
	expect(ledger.seen.frames).toBe(5 * COUNT);
	expect(ledger.lost_by).toEqual({});
	expect(out[0]).toEqual({ frames: 5 * COUNT });
});

test('a batch cannot be read after the next one was asked for', async () => {
	await using lab = new Lab();
	const { client, host } = scene(lab);
	const run = await start(host, 'over');
	await client.send('c0', udpFrame(100), 1);
	await run.says(/"some":100/);
	await client.send('c0', udpFrame(100), 1);
	const out = await said(run);
	expect(out.slice(0, 3)).toEqual([
		{ some: 100 },
		{ code: 'batch_is_over' },
		{ code: 'batch_is_over' },
	]);
	ended(out[3]);
});

test('three sessions in one process', async () => {
	await using lab = new Lab();
	const { client, host } = scene(lab);
	const run = await start(host, 'several');
	await client.send('c0', udpFrame(100), 1000);
	const out = await said(run);
	expect(out[0]).toEqual([1000, 900]);
	expect(out[1]).toMatchObject({ mirrored: { delivered: { frames: 1000, bytes: 100_000 } } });
	for (const what of out.slice(2)) ended(what);
	expect(hooks(host, 'h0')).toMatchObject({ rx: [], tx: [] });
});
