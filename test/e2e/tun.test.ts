/** Interfaces without an Ethernet header: captured as what they carry. */
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { Lab, until } from '../harness/lab.ts';
import { observe } from '../harness/observed.ts';
import { frameBytes, tshark } from '../harness/readers.ts';
import { hex, packet, tun } from '../harness/tun.ts';

test('what a TUN interface receives is captured from its IP header on', async () => {
	await using lab = new Lab();
	const host = lab.host('host');
	const { write } = await tun(host);
	const file = join(lab.directory(), 'tun.pcapng');
	const session = await observe(host, 'capture', 'tun0', '-w', file);
	for (const port of [9, 10, 11]) write(packet(port));
	await session.sees(3);
	const { line } = await session.stop();
	expect(line.ledger.delivered).toEqual({ frames: 3, bytes: 3 * packet(9).length });
	expect(frameBytes(file)).toEqual([9, 10, 11].map((port) => hex(packet(port))));
	const [first] = tshark(file, ['frame.protocols', 'udp.dstport', 'frame.interface_name']);
	expect(first).toEqual(['raw:ip:udp:data', '9', 'tun0']);
});

test('a filter counts from the IP header', async () => {
	await using lab = new Lab();
	const host = lab.host('host');
	const { write } = await tun(host);
	const file = join(lab.directory(), 'tun.pcapng');
	const args = ['capture', 'tun0', '-w', file, '--filter', 'udp dst port 10 and ip[8] = 64'];
	const session = await observe(host, ...args);
	for (const port of [9, 10, 11]) write(packet(port));
	await session.sees(3);
	const { line } = await session.stop();
	expect(line.ledger.filtered.frames).toBe(2);
	expect(frameBytes(file)).toEqual([hex(packet(10))]);
});

test('what the host sends through it is captured, too', async () => {
	await using lab = new Lab();
	const host = lab.host('host');
	const { run } = await tun(host);
	host.ip('address', 'add', '10.9.0.2/24', 'dev', 'tun0');
	const file = join(lab.directory(), 'tun.pcapng');
	const session = await observe(host, 'capture', 'tun0', '--direction', 'tx', '-w', file);
	const ping = host.spawn('ping', ['-c', '2', '-i', '0.2', '-W', '1', '10.9.0.1']);
	await session.sees(2);
	await ping.finished;
	await session.stop();
	const sent = () => run.stdout.split('\n').filter((line) => line.startsWith('45'));
	await until(() => sent().length === 2, 'what came out of the interface');
	expect(frameBytes(file)).toEqual(sent());
});
