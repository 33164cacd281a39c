/** Rows of frames through every hook: the copy is exact, the frame itself goes on unchanged. */
import { describe, expect, test } from 'vitest';
import {
	arpRequest,
	ethernet,
	llcFrame,
	lldpFrame,
	runt,
	udp6Frame,
	udpFrame,
} from '../harness/frames.ts';
import { GO_ON, LoadedTap } from '../harness/loaded-tap.ts';

const QINQ = [
	{ protocol: 0x88a8, id: 100 },
	{ id: 42, priority: 5 },
];

interface Row {
	name: string;
	frame: Buffer;
	vlan?: number;
	/** BPF_PROG_TEST_RUN takes no more than a page for tc programs. */
	xdpOnly?: boolean;
}

const ROWS: Row[] = [
	{ name: 'a runt: an Ethernet header alone', frame: runt() },
	{ name: '15 bytes', frame: ethernet({ type: 0x88b5 }, Buffer.from([7])) },
	{ name: '64 bytes', frame: udpFrame(64) },
	{ name: '65 bytes, one over a size class', frame: udpFrame(65) },
	{ name: '1514 bytes', frame: udpFrame(1514) },
	{ name: '802.1Q', frame: udpFrame(100, { tags: [{ id: 42, priority: 3 }] }), vlan: 42 },
	{
		name: 'a priority tag (VLAN 0)',
		frame: udpFrame(100, { tags: [{ id: 0, priority: 7 }] }),
		vlan: 0,
	},
	{ name: 'QinQ', frame: udpFrame(100, { tags: QINQ }), vlan: 100 },
	{ name: 'IPv6', frame: udp6Frame() },
	{ name: 'ARP', frame: arpRequest() },
	{ name: 'LLDP', frame: lldpFrame() },
	{ name: '802.3 with LLC', frame: llcFrame() },
	{ name: 'jumbo in fragments', frame: udpFrame(9014), xdpOnly: true },
	{ name: '9217 bytes, one over a size class', frame: udpFrame(9217), xdpOnly: true },
	{ name: 'almost 32 KiB in fragments', frame: udpFrame(32_000), xdpOnly: true },
];

describe.each(['tcx', 'xdp'] as const)('at %s', (hook) => {
	const rows = ROWS.filter((row) => hook === 'xdp' || !row.xdpOnly);

	test.each(rows)('$name', async ({ frame, vlan = null }) => {
		const tap = new LoadedTap({ hook });
		const { verdict, data } = tap.run(frame);
		const kernel = tap.kernelLedger();
		const frames = await tap.captured();

		expect(verdict).toBe(GO_ON[hook]);
		expect(data.equals(frame), 'the frame itself is unchanged').toBe(true);
		expect(frames).toHaveLength(1);
		expect(frames[0]?.bytes.equals(frame), 'the copy is exact').toBe(true);
		expect(frames[0]).toMatchObject({
			wireLength: frame.length,
			capturedLength: frame.length,
			segments: 1,
			lostBefore: 0,
			direction: 'rx',
			vlan,
		});
		expect(kernel.seen).toEqual({ frames: 1, bytes: frame.length });
		expect(kernel.delivered).toEqual({ frames: 1, bytes: frame.length });
		expect(kernel.lost.frames).toBe(0);
	});

	test.each(rows)('$name, cut to 64 bytes', async ({ frame }) => {
		const tap = new LoadedTap({ hook, snaplen: 64 });
		const { verdict, data } = tap.run(frame);
		const [captured] = await tap.captured();

		expect(verdict).toBe(GO_ON[hook]);
		expect(data.equals(frame), 'the frame itself is unchanged').toBe(true);
		expect(captured?.wireLength).toBe(frame.length);
		expect(captured?.bytes.equals(frame.subarray(0, 64)), 'the first bytes').toBe(true);
	});
});

test('a sent frame is marked as sent', async () => {
	const tap = new LoadedTap({ hook: 'tcx', direction: 'tx' });
	tap.run(udpFrame(64));
	expect((await tap.captured())[0]?.direction).toBe('tx');
});

test('a snaplen between two size classes is exact', async () => {
	for (const snaplen of [64, 65, 100, 191, 192, 193, 1000]) {
		const tap = new LoadedTap({ hook: 'tcx', snaplen });
		const frame = udpFrame(1514);
		tap.run(frame);
		const [captured] = await tap.captured();
		expect(captured?.bytes.equals(frame.subarray(0, snaplen)), `snaplen ${snaplen}`).toBe(true);
	}
});
