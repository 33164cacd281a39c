/**
 * The filter in the kernel against libpcap's own interpreter, on random expressions and frames.
 * `make fuzz` runs it without end; a failure prints the smallest pair that differs.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { expression, frame } from '../harness/filter-arbitraries.ts';
import { LoadedTap } from '../harness/loaded-tap.ts';
import { testkit } from '../harness/testkit.ts';

const FUZZ = process.env['XSPAN_FUZZ'] === '1';
const EXPRESSIONS = FUZZ ? Number.MAX_SAFE_INTEGER : 300;
const FRAMES_EACH = 24;
/** An emulated machine comes to fewer in the time there is (scripts/test-kernels.sh). */
const PAIRS_WANTED = Number(process.env['XSPAN_ORACLE_PAIRS'] ?? 10_000);

/** What libpcap says of each frame, or null when it refuses the expression. */
function oracle(text: string, frames: Buffer[]): boolean[] | null {
	try {
		return testkit.pcapMatches(text, frames);
	} catch {
		return null;
	}
}

/** Whether the tap behind the filter saw the frame through to the ring. */
function matches(tap: LoadedTap, run: () => void): boolean {
	const before = tap.kernelLedger();
	run();
	const after = tap.kernelLedger();
	const copied =
		after.delivered.frames - before.delivered.frames + after.lost.frames - before.lost.frames;
	expect(after.seen.frames - before.seen.frames).toBe(1);
	expect(after.filtered.frames - before.filtered.frames).toBe(1 - copied);
	return copied === 1;
}

const TAG_TYPES = [0x8100, 0x88a8];

/** The frame without its outermost tag, and that tag; null without one, or where too little is left. */
function untag(bytes: Buffer): { bare: Buffer; protocol: number; tci: number } | null {
	if (bytes.length < 18 || !TAG_TYPES.includes(bytes.readUInt16BE(12))) return null;
	const bare = Buffer.concat([bytes.subarray(0, 12), bytes.subarray(16)]);
	return { bare, protocol: bytes.readUInt16BE(12), tci: bytes.readUInt16BE(14) };
}

/** BPF_PROG_TEST_RUN refuses a tc program frames whose IP header is cut (net/bpf/test_run.c). */
function isRunnableAtTc(bytes: Buffer): boolean {
	const shortest: Record<number, number> = { 2048: 14 + 20, 34525: 14 + 40 };
	return bytes.length >= (shortest[bytes.readUInt16BE(12)] ?? 14);
}

function describePair(text: string, bytes: Buffer, hook: string, expected: boolean): string {
	return `{ filter: ${JSON.stringify(text)}, frame: '${bytes.toString('hex')}', hook: '${hook}', expect: ${expected} }`;
}

test('the kernel decides as libpcap does', { timeout: FUZZ ? 2 ** 31 - 1 : 300_000 }, () => {
	let pairs = 0;
	fc.assert(
		fc.property(
			expression,
			fc.array(frame, { minLength: FRAMES_EACH, maxLength: FRAMES_EACH }),
			(text, frames) => {
				const expected = oracle(text, frames);
				fc.pre(expected !== null);
				const tc = new LoadedTap({ hook: 'tcx', filter: text, snaplen: 64, ringBytes: 1 << 16 });
				const xdp = new LoadedTap({ hook: 'xdp', filter: text, snaplen: 64, ringBytes: 1 << 16 });
				try {
					frames.forEach((bytes, i) => {
						const want = (expected as boolean[])[i] as boolean;
						const check = (hook: string, tap: LoadedTap, run: () => void) => {
							pairs++;
							if (matches(tap, run) !== want)
								throw new Error(describePair(text, bytes, hook, want));
						};
						if (isRunnableAtTc(bytes)) check('tc', tc, () => tc.run(bytes));
						check('xdp', xdp, () => xdp.run(bytes));
						const tagged = untag(bytes);
						if (tagged && isRunnableAtTc(tagged.bare))
							check('tc, tag in metadata', tc, () =>
								tc.runTagged(tagged.bare, tagged.protocol, tagged.tci),
							);
					});
				} finally {
					tc.close();
					xdp.close();
				}
			},
		),
		FUZZ ? { numRuns: EXPRESSIONS } : { numRuns: EXPRESSIONS, interruptAfterTimeLimit: 240_000 },
	);
	expect(pairs).toBeGreaterThanOrEqual(PAIRS_WANTED);
});
