/** More copies than the way takes: they are lost with a reason, and nobody else notices. */
import { expect, test } from 'vitest';
import { udpFrame } from '../harness/frames.ts';
import { type Host, Lab } from '../harness/lab.ts';
import { observe } from '../harness/observed.ts';
import {
	COLLECTOR,
	Collector,
	decode,
	FORMATS,
	monitoredAddresses,
	remote,
} from '../harness/remote.ts';
import { HOST_IP } from '../harness/scene.ts';

const FLOOD = 200_000;

const receivedBy = (host: Host, name: string): number =>
	JSON.parse(host.ip('-json', '-s', 'link', 'show', name))[0].stats64.rx.packets;

test('an uplink with a slow queue: uplink_queue', async () => {
	await using lab = new Lab();
	const { client, host, collector } = remote(lab);
	host.exec('tc', ...'qdisc add dev u0 root tbf rate 1mbit burst 4kb limit 20kb'.split(' '));
	const ear = await Collector.start(collector, lab);
	const wire = await Collector.leaving(host, lab);
	const to = FORMATS.erspan2.to(COLLECTOR[4]);
	const session = await observe(host, 'mirror', 'h0', '--to', to, '--direction', 'rx');
	await client.send('c0', udpFrame(500), 2000);
	await session.sees(2000);
	const { line } = await session.stop();
	expect(line.ledger.lost_by['uplink_queue']?.frames).toBeGreaterThan(1000);
	expect(line.ledger.delivered.frames).toBeGreaterThan(5);
	await ear.collects(line.ledger.delivered.frames);
	await wire.collects(line.ledger.delivered.frames);
	const numbers = decode(wire.file, ['gre.sequence_number']).map((row) =>
		Number(row['gre.sequence_number'][0]),
	);
	// The collector sees by the gaps what was lost behind the numbering; never a repeat.
	expect(numbers).toEqual([...new Set(numbers)].sort((a, b) => a - b));
});

test('a flood of small frames: the ledger balances, and the traffic itself is whole', async () => {
	await using lab = new Lab();
	const { client, host } = remote(lab);
	const to = FORMATS.vxlan.to(COLLECTOR[6]);
	const session = await observe(host, 'mirror', 'h0', '--to', to);
	const before = receivedBy(host, 'h0');
	// One sender in each direction: two in one would overflow the cable itself.
	await Promise.all([
		client.send('c0', udpFrame(60), FLOOD),
		host.sendSelf('h0', udpFrame(60), FLOOD / 10),
	]);
	const total = FLOOD + FLOOD / 10;
	await session.sees(total);
	const { line } = await session.stop();
	expect(receivedBy(host, 'h0') - before).toBe(FLOOD);
	const seen = line.taps.map((tap) => [tap.direction, tap.ledger.seen.frames]);
	expect(seen).toEqual([
		['rx', FLOOD],
		['tx', FLOOD / 10],
	]);
	expect(line.ledger.delivered.frames).toBeGreaterThan(0);
	for (const reason of Object.keys(line.ledger.lost_by))
		expect(['port_queue', 'uplink_queue']).toContain(reason);
});

test('TCP at full speed into a path that takes next to nothing: every byte still gets through', async () => {
	await using lab = new Lab();
	const all = remote(lab);
	monitoredAddresses(all);
	const { client, host } = all;
	host.exec('tc', ...'qdisc add dev u0 root tbf rate 2mbit burst 4kb limit 20kb'.split(' '));
	const session = await observe(host, 'mirror', 'h0', '--to', FORMATS.vxlan.to(COLLECTOR[4]));
	const server = host.program('transfer.mjs', 'serve', '5001');
	await server.says(/listening/);
	const sender = client.program('transfer.mjs', 'send', HOST_IP, '5001', '20000000');
	const there = JSON.parse((await sender.finished).stdout) as { sent: string; received: string };
	const here = (await server.finished).stdout.split('\n')[1] as string;
	expect(JSON.parse(here)).toEqual({ sent: there.received, received: there.sent });
	const { line } = await session.stop();
	expect(line.ledger.lost_by['uplink_queue']?.frames).toBeGreaterThan(100);
});

test('a full queue in front of the mirror port: port_queue, and no gap in the numbers', async () => {
	await using lab = new Lab();
	const { client, host, collector } = remote(lab);
	const ear = await Collector.start(collector, lab);
	const wire = await Collector.leaving(host, lab);
	const to = FORMATS.erspan3.to(COLLECTOR[4]);
	const session = await observe(host, 'mirror', 'h0', '--to', to);
	host.exec(
		'tc',
		...'qdisc replace dev xspan0 root tbf rate 1mbit burst 4kb limit 20kb'.split(' '),
	);
	await client.send('c0', udpFrame(500), 2000);
	await host.sendSelf('h0', udpFrame(400), 1000);
	await session.sees(3000);
	const { line } = await session.stop();
	expect(line.ledger.lost_by['port_queue']?.frames).toBeGreaterThan(1000);
	expect(line.ledger.delivered.frames).toBeGreaterThan(5);
	await ear.collects(line.ledger.delivered.frames);
	await wire.collects(line.ledger.delivered.frames);
	const rows = decode(wire.file, ['gre.sequence_number']);
	expect(rows.map((row) => Number(row['gre.sequence_number'][0]))).toEqual(
		rows.map((_, number) => number),
	);
});
