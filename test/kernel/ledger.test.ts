/** What the kernel counts when something goes wrong; the frame goes on all the same. */
import { expect, test } from 'vitest';
import { udpFrame } from '../harness/frames.ts';
import { GO_ON, LoadedTap } from '../harness/loaded-tap.ts';

const FRAME = udpFrame(1000);
const NO_SUCH_IFINDEX = 0x7fff_fff0;

test('a full ring loses copies, counts them, and says so in the next record', async () => {
	const tap = new LoadedTap({ hook: 'tcx', ringBytes: 4096 });
	const { verdict } = tap.run(FRAME, 10);
	const kernel = tap.kernelLedger();
	const frames = await tap.captured();

	expect(verdict).toBe(GO_ON.tcx);
	expect(kernel.seen).toEqual({ frames: 10, bytes: 10_000 });
	expect(kernel.lost_by.ring_full?.frames).toBeGreaterThan(0);
	expect(kernel.delivered.frames + kernel.lost.frames).toBe(10);
	expect(kernel.delivered.bytes + kernel.lost.bytes).toBe(10_000);
	expect(frames).toHaveLength(kernel.delivered.frames);
	expect(kernel.in_flight).toEqual({ frames: 0, bytes: 0 });
});

test('a frame that can never fit the ring is lost, not stuck', async () => {
	const tap = new LoadedTap({ hook: 'xdp', ringBytes: 4096 });
	const { verdict } = tap.run(udpFrame(9000));
	const kernel = tap.kernelLedger();

	expect(verdict).toBe(GO_ON.xdp);
	expect(kernel.lost_by.ring_full).toEqual({ frames: 1, bytes: 9000 });
	expect(await tap.captured()).toHaveLength(0);
});

test('a port that does not exist', () => {
	const tap = new LoadedTap({ hook: 'tcx', portIfindex: NO_SUCH_IFINDEX });
	const { verdict, data } = tap.run(FRAME, 3);
	const kernel = tap.kernelLedger();
	tap.close();

	expect(verdict).toBe(GO_ON.tcx);
	expect(data.equals(FRAME)).toBe(true);
	expect(kernel.lost_by).toEqual({ port_gone: { frames: 3, bytes: 3000 } });
	expect(kernel.seen.frames).toBe(3);
	expect(kernel.delivered.frames).toBe(0);
});

test('the budget of --count is exact, and what comes after it is not seen', async () => {
	const tap = new LoadedTap({ hook: 'tcx', count: 7 });
	tap.run(FRAME, 20);
	const kernel = tap.kernelLedger();

	expect(kernel.seen.frames).toBe(7);
	expect(kernel.delivered.frames).toBe(7);
	expect(await tap.captured()).toHaveLength(7);
});

test('a lost copy does not use up the budget', () => {
	const tap = new LoadedTap({ hook: 'tcx', count: 2, portIfindex: NO_SUCH_IFINDEX });
	tap.run(FRAME, 5);
	const kernel = tap.kernelLedger();
	tap.close();
	expect(kernel.lost_by.port_gone?.frames).toBe(5);
});

test('times are wall-clock and never run backwards', async () => {
	const before = Date.now();
	const tap = new LoadedTap({ hook: 'xdp' });
	tap.run(FRAME, 100);
	const frames = await tap.captured();
	const after = Date.now();

	expect(frames).toHaveLength(100);
	const times = frames.map((frame) => frame.timeMs);
	expect(times).toEqual([...times].sort((a, b) => a - b));
	expect(times[0]).toBeGreaterThan(before - 1000);
	expect(times.at(-1)).toBeLessThan(after + 1000);
});
