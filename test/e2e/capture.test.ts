/** A capture to a file: complete, in order, and described so that Wireshark's tools agree. */
import { statSync } from 'node:fs';
import { release } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { arpRequest, HOST_B, lldpFrame, udpFrame } from '../harness/frames.ts';
import { Lab } from '../harness/lab.ts';
import { observe } from '../harness/observed.ts';
import { blocks, capinfos, frameBytes, tshark } from '../harness/readers.ts';
import { scene } from '../harness/scene.ts';

const COUNT = 5000;

test('both directions of an interface, in order of time', async () => {
	await using lab = new Lab();
	const { client, host } = scene(lab);
	const file = join(lab.directory(), 'out.pcapng');
	const session = await observe(host, 'capture', 'h0', '-w', file);
	await Promise.all([
		client.send('c0', udpFrame(100), COUNT),
		host.sendSelf('h0', udpFrame(300), COUNT),
	]);
	await session.sees(2 * COUNT);
	const { line } = await session.stop();
	expect(line.ledger.delivered).toEqual({ frames: 2 * COUNT, bytes: COUNT * 400 });
	const info = capinfos(file);
	expect(info.packets).toBe(2 * COUNT);
	expect(info.strictTimeOrder).toBe(true);
	const rows = tshark(file, ['frame.packet_flags_direction', 'frame.len', 'frame.interface_id']);
	const kinds = new Map<string, number>();
	for (const row of rows) kinds.set(row.join(' '), (kinds.get(row.join(' ')) ?? 0) + 1);
	expect(Object.fromEntries(kinds)).toEqual({
		'0x00000001 100 0': COUNT,
		'0x00000002 300 1': COUNT,
	});
	expect(statSync(file).mode & 0o777).toBe(0o600);
});

test('the file says where it comes from and what each interface is', async () => {
	await using lab = new Lab();
	const { client, host } = scene(lab);
	const file = join(lab.directory(), 'out.pcapng');
	const args = ['capture', 'h0', 'm0', '-w', file, '--name', 'lab', '-c', '3'];
	const session = await observe(host, ...args, '--direction', 'rx');
	await client.send('c0', udpFrame(100), 3);
	const { line } = await session.ends();
	expect(line.end).toBe('count');
	const option = 'pcapng.options.option.data';
	const read = blocks(
		file,
		`${option}.hardware`,
		`${option}.os`,
		`${option}.user_application`,
		`${option}.interface.name`,
		`${option}.interface.description`,
		`${option}.mac`,
		`${option}.interface.speed`,
		`${option}.interface.timestamp_resolution`,
	);
	expect(read[`${option}.hardware`].join(',')).not.toBe('');
	expect(read[`${option}.os`]).toEqual([`Linux ${release()}`]);
	expect(read[`${option}.user_application`][0]).toMatch(/^xspan \d+\.\d+\.\d+$/);
	expect(read[`${option}.interface.name`]).toEqual(['h0', 'm0']);
	const descriptions = read[`${option}.interface.description`].join('\n');
	expect(descriptions).toContain('received');
	expect(descriptions).toContain('lab');
	const port = JSON.parse(host.ip('-json', 'link', 'show', 'm0'))[0].address;
	expect(read[`${option}.mac`]).toEqual([HOST_B, port]);
	expect(read[`${option}.interface.speed`].map(Number)).toEqual([1e10, 1e10]);
	expect(read[`${option}.interface.timestamp_resolution`]).toEqual(['0x09', '0x09']);
	expect(capinfos(file).text).toContain('nanoseconds (9)');
	const rows = tshark(file, ['frame.interface_name', 'frame.interface_queue', 'frame.time_epoch']);
	expect(rows.map((row) => row[0])).toEqual(['h0', 'h0', 'h0']);
	for (const [, , time] of rows) {
		expect(Number(time)).toBeLessThan(Date.now() / 1000 + 1);
		expect(Number(time)).toBeGreaterThan(Date.now() / 1000 - 60);
	}
});

test('frames are marked as unicast, multicast, broadcast, or for another host', async () => {
	await using lab = new Lab();
	const { client, host } = scene(lab);
	const file = join(lab.directory(), 'out.pcapng');
	const args = ['capture', 'h0', '-w', file, '--direction', 'rx', '-c', '4'];
	const session = await observe(host, ...args);
	const frames = [
		udpFrame(64),
		lldpFrame(),
		arpRequest(),
		udpFrame(64, { destination: '02:00:00:00:00:77' }),
	];
	for (const frame of frames) await client.send('c0', frame, 1);
	await session.ends();
	const types = tshark(file, ['frame.packet_flags_reception_type']).map((row) => Number(row[0]));
	expect(types).toEqual([1, 2, 3, 4]);
	expect(frameBytes(file)).toEqual(frames.map((frame) => frame.toString('hex')));
});

test('the receive queue is recorded where the hook knows it', async () => {
	await using lab = new Lab();
	const { client, host } = scene(lab);
	const file = join(lab.directory(), 'out.pcapng');
	const args = ['capture', 'h0', '-w', file, '--direction', 'rx', '--hook', 'xdp', '-c', '10'];
	const session = await observe(host, ...args);
	await client.send('c0', udpFrame(64), 10);
	await session.ends();
	const queues = tshark(file, ['frame.interface_queue']).map((row) => row[0]);
	expect(queues).toHaveLength(10);
	for (const queue of queues) expect(queue).toMatch(/^[01]$/);
});

test('--snaplen cuts frames and keeps their length', async () => {
	await using lab = new Lab();
	const { client, host } = scene(lab);
	const file = join(lab.directory(), 'out.pcapng');
	const args = ['capture', 'h0', '-w', file, '--direction', 'rx', '-s', '96', '-c', '20'];
	const session = await observe(host, ...args);
	await client.send('c0', udpFrame(64), 10);
	await client.send('c0', udpFrame(1514), 10);
	const { line } = await session.ends();
	expect(line.ledger.seen.bytes).toBe(10 * 64 + 10 * 1514);
	const lengths = tshark(file, ['frame.cap_len', 'frame.len']).map((row) => row.join('/'));
	const times = (length: string) => lengths.filter((each) => each === length).length;
	expect([times('64/64'), times('96/1514')]).toEqual([10, 10]);
	const whole = udpFrame(1514).subarray(0, 96).toString('hex');
	expect(frameBytes(file)).toContain(whole);
});

test('--count is exact while traffic goes on, --duration ends', async () => {
	await using lab = new Lab();
	const { client, host } = scene(lab);
	const files = [join(lab.directory(), 'count.pcapng'), join(lab.directory(), 'time.pcapng')];
	const counted = await observe(host, 'capture', 'h0', '-w', files[0] as string, '-c', '777');
	await client.send('c0', udpFrame(64), COUNT);
	const { line } = await counted.ends();
	expect(line.ledger.delivered.frames).toBe(777);
	expect(capinfos(files[0] as string).packets).toBe(777);

	const args = ['capture', 'h0', '-w', files[1] as string, '--duration', '200ms'];
	const timed = await observe(host, ...args);
	expect((await timed.ends()).line.end).toBe('duration');
	expect(capinfos(files[1] as string).packets).toBe(0);
});

test.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)('%s ends with a whole file', async (signal) => {
	await using lab = new Lab();
	const { client, host } = scene(lab);
	const file = join(lab.directory(), 'out.pcapng');
	const session = await observe(host, 'capture', 'h0', '-w', file, '--direction', 'rx');
	await client.send('c0', udpFrame(64), COUNT);
	await session.sees(COUNT);
	session.run.child.kill(signal);
	const { line } = await session.ends();
	expect(line.end).toBe('aborted');
	expect(line.ledger.delivered.frames).toBe(COUNT);
	expect(capinfos(file).packets).toBe(COUNT);
});
