/** What the kernel counts of the interfaces here, as ip shows it. */
import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import type { NativeStatistics } from '../../../src/native.ts';
import { readLinks } from '../../../src/topology/links.ts';

type Way = Record<string, number>;
interface Shown {
	ifname: string;
	stats64: { rx: Way; tx: Way };
}

/** Our names, by those of `ip -s -s -json link`. */
const NAMES: Record<'rx' | 'tx', Record<string, keyof NativeStatistics>> = {
	rx: {
		packets: 'rxFrames',
		bytes: 'rxBytes',
		multicast: 'rxMulticast',
		dropped: 'rxDropped',
		missed_errors: 'rxMissed',
		errors: 'rxErrors',
		length_errors: 'rxLengthErrors',
		crc_errors: 'rxCrcErrors',
		frame_errors: 'rxFrameErrors',
		fifo_errors: 'rxFifoErrors',
	},
	tx: {
		packets: 'txFrames',
		bytes: 'txBytes',
		dropped: 'txDropped',
		errors: 'txErrors',
		aborted_errors: 'txAbortedErrors',
		carrier_errors: 'txCarrierErrors',
		fifo_errors: 'txFifoErrors',
		window_errors: 'txWindowErrors',
	},
};

const read = () => new Map(readLinks().map(({ name, statistics }) => [name, statistics]));

test('every counter of every interface lies between two readings of ours', () => {
	const before = read();
	const text = execFileSync('ip', ['-s', '-s', '-json', 'link'], { encoding: 'utf8' });
	const shown: Shown[] = JSON.parse(text);
	const after = read();
	expect([...before.keys()].sort()).toEqual(shown.map(({ ifname }) => ifname).sort());
	for (const { ifname, stats64 } of shown)
		for (const way of ['rx', 'tx'] as const)
			for (const [theirs, ours] of Object.entries(NAMES[way])) {
				const [low, high] = [before.get(ifname)?.[ours], after.get(ifname)?.[ours]];
				expect(stats64[way][theirs], `${ifname} ${ours}`).toBeGreaterThanOrEqual(Number(low));
				expect(stats64[way][theirs], `${ifname} ${ours}`).toBeLessThanOrEqual(Number(high));
			}
});

test('bytes are exact, however many', () => {
	for (const { rxBytes, txBytes } of read().values())
		expect([typeof rxBytes, typeof txBytes]).toEqual(['bigint', 'bigint']);
});
