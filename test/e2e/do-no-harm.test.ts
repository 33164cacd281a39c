/** Mirroring and capturing change nothing: not the interfaces, not the frames. */
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { udpFrame } from '../harness/frames.ts';
import { allHooks, freed, hooks, programs, state } from '../harness/hooks.ts';
import { Lab } from '../harness/lab.ts';
import { observe } from '../harness/observed.ts';
import { frameBytes, Listener } from '../harness/readers.ts';
import { scene } from '../harness/scene.ts';

const COUNT = 2000;

const ways = [
	{ what: 'a mirror', args: ['mirror', 'h0', '--to', 'port:m0'] },
	{ what: 'a capture', args: ['capture', 'h0'] },
	{ what: 'a capture at XDP', args: ['capture', 'h0', '--hook', 'xdp', '--direction', 'rx'] },
	{ what: 'a capture at clsact', args: ['capture', 'h0', '--hook', 'clsact'] },
];

test.each(ways)('$what leaves promiscuity, flags, MTU and offloads alone', async ({ args }) => {
	await using lab = new Lab();
	const { client, host, ids } = scene(lab);
	const out = args[0] === 'capture' ? ['-w', join(lab.directory(), 'out.pcapng')] : [];
	const all = () => [host, ids, client].map(state);
	// The kernel's veth driver takes segmentation offloads off the far end while its near end has
	// native XDP, whoever attaches it. That end belongs to another host here.
	const during = () => (args.includes('xdp') ? all().slice(0, 2) : all());
	const before = all();
	expect(JSON.stringify(before)).toContain('"promiscuity":0');
	const session = await observe(host, ...args, ...out);
	expect(during()).toEqual(before.slice(0, during().length));
	await client.send('c0', udpFrame(100), COUNT);
	await session.sees(COUNT);
	expect(during()).toEqual(before.slice(0, during().length));
	await session.stop();
	expect(all()).toEqual(before);
});

test.each(ways)('$what leaves the frames alone', async ({ args }) => {
	await using lab = new Lab();
	const { client, host } = scene(lab);
	const directory = lab.directory();
	const out = args[0] === 'capture' ? ['-w', join(directory, 'out.pcapng')] : [];
	const session = await observe(host, ...args, ...out);
	// At the other end of the cable: what has left the monitored host.
	const ear = await Listener.start(client, 'c0', join(directory, 'far.pcap'));
	await host.sendSelf('h0', udpFrame(300), COUNT, 46);
	expect(await ear.hears(COUNT)).toBe(COUNT);
	const heard = frameBytes(ear.file);
	const expected = Array.from({ length: COUNT }, (_, number) => {
		const frame = udpFrame(300);
		frame.writeBigUInt64LE(BigInt(number), 46);
		return frame.toString('hex');
	});
	expect(heard).toEqual(expected);
	await session.stop();
});

test('received frames reach the programs of a monitored host, all and whole', async () => {
	await using lab = new Lab();
	const { client, host } = scene(lab);
	host.ip('address', 'add', '10.9.0.2/24', 'dev', 'h0');
	const mirror = await observe(host, 'mirror', 'h0', '--to', 'port:m0', '--direction', 'rx');
	const file = join(lab.directory(), 'out.pcapng');
	const capture = await observe(host, 'capture', 'h0', '-w', file, '--direction', 'rx');
	const receiver = host.spawn('python3', [
		'test/harness/programs/udp-receive.py',
		'9',
		String(COUNT),
	]);
	await receiver.says(/listening/);
	const frame = udpFrame(200);
	await client.send('c0', frame, COUNT);
	const { stdout, code } = await receiver.finished;
	expect(code).toBe(0);
	const payload = frame.subarray(42).toString('hex');
	expect(JSON.parse(stdout.split('\n')[1] as string)).toEqual({ [payload]: COUNT });
	for (const session of [mirror, capture]) {
		const { line } = await session.stop();
		expect(line.ledger.delivered).toEqual({ frames: COUNT, bytes: COUNT * 200 });
	}
});

test.each(ways.slice(0, 3))('kill -9 of $what leaves nothing behind', async ({ args }) => {
	await using lab = new Lab();
	const { client, host } = scene(lab);
	const out = args[0] === 'capture' ? ['-w', join(lab.directory(), 'out.pcapng')] : [];
	const before = allHooks(host);
	const links = () => JSON.parse(host.ip('-json', 'link', 'show')).length;
	const devices = links();
	const session = await observe(host, ...args, ...out);
	const ids = programs(hooks(host, 'h0'));
	await client.send('c0', udpFrame(100), COUNT);
	await session.sees(COUNT);
	const { signal } = await session.run.stop('SIGKILL');
	expect(signal).toBe('SIGKILL');
	await freed(ids);
	expect(allHooks(host)).toEqual(before);
	expect(links()).toBe(devices);
});
