/** What `xspan sflow` sends of real traffic, read by collectors of other authors all at once. */
import { expect, test } from 'vitest';
import { Sfacctd, Sfcapd } from '../harness/collectors.ts';
import { udpFrame } from '../harness/frames.ts';
import { Lab } from '../harness/lab.ts';
import { tshark } from '../harness/readers.ts';
import { scene } from '../harness/scene.ts';
import { SflowCommand } from '../harness/sflow-command.ts';

const RATE = 200;
const PORTION = 5000;
const MIX = new Map([
	[9, 60_000],
	[10, 20_000],
]);

const tolerance = (frames: number): number => 6 * Math.sqrt(frames * (RATE - 1));

test('tshark, sfacctd and sfcapd see the same traffic', async () => {
	await using lab = new Lab();
	const { client, host } = scene(lab);
	const sfacctd = await Sfacctd.start(host, 6344, lab.directory());
	const sfcapd = await Sfcapd.start(host, 6345, lab.directory());
	const others = ['--collector', '127.0.0.1:6344', '--collector', '127.0.0.1:6345'];
	const args = ['h0', '--direction', 'rx', '--sampling', `1/${RATE}`, '--polling', '0'];
	const sflow = await SflowCommand.start(lab, host, ...args, ...others);
	// Not all at once: their sockets have room for a few hundred datagrams.
	for (const [port, count] of MIX)
		for (let sent = 0; sent < count; sent += PORTION)
			await client.send('c0', udpFrame(100, { port }), PORTION);
	const { last, flows, file } = await sflow.end();
	const ifindex = host.ifindex('h0');
	const samples = flows.length;

	// It scales by what the pool grew between two samples; of the first one it does not know that.
	const pool = flows.at(-1)?.pool as number;
	const first = flows[0]?.pool as number;
	const rows = await sfacctd.flows(pool - first);
	const total = rows.reduce((sum, { packets }) => sum + packets, 0);
	expect(Math.abs(total - pool)).toBeLessThanOrEqual(Math.max(first, RATE));
	for (const row of rows) {
		const count = MIX.get(row.port_dst) as number;
		expect(row).toMatchObject({ ip_src: '10.9.0.1', iface_in: ifindex, peer_ip_src: '192.0.2.1' });
		expect(Math.abs(row.packets - count)).toBeLessThan(tolerance(count));
	}

	const { summary, flows: captured } = await sfcapd.end();
	expect(summary).toMatch(/Sequence Errors: 0, Bad Packets: 0/);
	const packets = captured.reduce((sum, { in_packets }) => sum + in_packets, 0);
	expect(packets).toBe(samples * RATE);
	expect(captured.every(({ input_snmp }) => input_snmp === ifindex)).toBe(true);

	const fields = ['_ws.malformed', '_ws.expert.message', 'sflow_245.sequence_number'];
	const datagrams = tshark(file, fields, '-Y', 'udp.dstport == 6343 && !icmp');
	expect(datagrams).toHaveLength(last.sflow.datagrams);
	expect(datagrams.filter(([malformed, message]) => malformed || message)).toEqual([]);
	expect(datagrams.slice(0, 3).map((row) => row[2])).toEqual(['1', '2', '3']);
});
