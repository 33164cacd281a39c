import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
	CountersLayout,
	CountLayout,
	Lost,
	PortCountersLayout,
	PortLost,
} from '../../src/abi.gen.ts';
import {
	balances,
	type Count,
	type Ledger,
	type LostReason,
	type PortLedger,
	portLedger,
	sumLedgers,
	tapLedger,
	throughMirrorPort,
	UserCounts,
} from '../../src/ledger.ts';

const WORDS = CountersLayout.size / 8;
const fields = CountersLayout.fields;

/** Counters of two taps, with one field set. */
function counters(
	tap: number,
	field: keyof typeof fields,
	frames: number,
	bytes: number,
	into = new Float64Array(2 * WORDS),
) {
	into[tap * WORDS + fields[field].offset / 8] = frames;
	into[tap * WORDS + fields[field].offset / 8 + 1] = bytes;
	return into;
}

test('reads the row of its tap', () => {
	const words = counters(1, 'seen', 5, 500);
	counters(1, 'delivered', 5, 500, words);
	expect(tapLedger(words, 0, null).seen).toEqual({ frames: 0, bytes: 0 });
	const ledger = tapLedger(words, 1, null);
	expect(ledger.seen).toEqual({ frames: 5, bytes: 500 });
	expect(balances(ledger)).toBe(true);
});

test('every reason has its own counter and adds to lost', () => {
	const words = counters(0, 'seen', 28, 2800);
	const kinds = Object.entries(Lost).filter(([name]) => name !== 'kinds');
	kinds.forEach(([, index], i) => {
		words[fields.lost.offset / 8 + 2 * index] = i + 1;
		words[fields.lost.offset / 8 + 2 * index + 1] = 100 * (i + 1);
	});
	const ledger = tapLedger(words, 0, null);
	expect(Object.keys(ledger.lost_by)).toEqual(kinds.map(([name]) => name));
	expect(ledger.lost).toEqual({ frames: 28, bytes: 2800 });
	expect(balances(ledger)).toBe(true);
});

test('for a ring, delivered is what the consumer got; the rest is in flight', () => {
	const words = counters(0, 'seen', 10, 1000);
	counters(0, 'delivered', 10, 1000, words); // committed to the ring
	const user = new UserCounts(2);
	user.addDelivered(Float64Array.of(6, 600, 0, 0));
	user.addLost('write_failed', Float64Array.of(1, 100, 0, 0));
	const ledger = tapLedger(words, 0, user);
	expect(ledger.delivered).toEqual({ frames: 6, bytes: 600 });
	expect(ledger.lost_by).toEqual({ write_failed: { frames: 1, bytes: 100 } });
	expect(ledger.in_flight).toEqual({ frames: 3, bytes: 300 });
	expect(balances(ledger)).toBe(false);
});

test('a sum has the counts and reasons of all', () => {
	const words = counters(0, 'seen', 3, 30);
	counters(1, 'seen', 4, 40, words);
	words[fields.lost.offset / 8] = 3;
	words[fields.lost.offset / 8 + 1] = 30;
	words[WORDS + fields.lost.offset / 8] = 4;
	words[WORDS + fields.lost.offset / 8 + 1] = 40;
	words[WORDS + fields.clone_errno.offset / 8] = 105;
	const total = sumLedgers([tapLedger(words, 0, null), tapLedger(words, 1, null)]);
	expect(total.seen).toEqual({ frames: 7, bytes: 70 });
	expect(total.lost_by).toEqual({ ring_full: { frames: 7, bytes: 70 } });
	expect(total.clone_errno).toBe(105);
});

const NOTHING: Count = { frames: 0, bytes: 0 };
const plus = (a: Count, b: Count): Count => ({
	frames: a.frames + b.frames,
	bytes: a.bytes + b.bytes,
});
const sumOf = (counts: Count[]): Count => counts.reduce(plus, NOTHING);

/** So many frames of 60 to 1514 bytes. */
const counted: fc.Arbitrary<Count> = fc
	.tuple(fc.nat(1000), fc.integer({ min: 60, max: 1514 }))
	.map(([frames, bytes]) => ({ frames, bytes: frames * bytes }));

const portReasons = Object.keys(PortLost).filter((name) => name !== 'kinds');

/** Only what is not nothing has a reason. */
const named = (names: string[], counts: Count[]): Partial<Record<LostReason, Count>> =>
	Object.fromEntries(
		names.map((name, i) => [name, counts[i]]).filter(([, count]) => (count as Count).frames > 0),
	);

const lostAtPort = fc.array(counted, {
	minLength: portReasons.length,
	maxLength: portReasons.length,
});

interface Session {
	taps: Ledger;
	port: PortLedger;
	/** Handed to the mirror port and not arrived there. */
	missing: Count;
}

/** Taps that are in order, and a mirror port that has got some of what they delivered. */
const session: fc.Arbitrary<Session> = fc
	.tuple(fc.array(counted, { minLength: 7, maxLength: 7 }), lostAtPort, counted)
	.map(([counts, lost, truncated]) => {
		const [filtered, sampled_out, rate_limited, arrived, missing, queue, gone] = counts as [
			Count,
			Count,
			Count,
			Count,
			Count,
			Count,
			Count,
		];
		const received = plus(arrived, sumOf(lost));
		const delivered = plus(received, missing);
		const lost_by = named(['port_queue', 'port_gone'], [queue, gone]);
		const taps: Ledger = {
			seen: sumOf([filtered, sampled_out, rate_limited, delivered, queue, gone]),
			filtered,
			sampled_out,
			rate_limited,
			delivered,
			lost: plus(queue, gone),
			in_flight: NOTHING,
			lost_by,
		};
		const port = { received, delivered: arrived, truncated, lost_by: named(portReasons, lost) };
		return { taps, port, missing };
	});

function expectSums(ledger: Ledger): void {
	const { seen, filtered, sampled_out, rate_limited, delivered, lost, in_flight } = ledger;
	expect(sumOf([filtered, sampled_out, rate_limited, delivered, lost, in_flight])).toEqual(seen);
	expect(sumOf(Object.values(ledger.lost_by))).toEqual(lost);
}

test('an ended session with a mirror port balances, whatever it lost', () => {
	fc.assert(
		fc.property(session, ({ taps, port, missing }) => {
			const before = structuredClone({ taps, port });
			const ledger = throughMirrorPort(taps, port);
			expectSums(ledger);
			expect(balances(ledger)).toBe(true);
			expect(ledger.delivered).toEqual(port.delivered);
			expect(ledger.truncated).toEqual(port.truncated);
			const queue = plus(taps.lost_by.port_queue ?? NOTHING, missing);
			expect(ledger.lost_by.port_queue ?? NOTHING).toEqual(queue);
			expect({ taps, port }, 'what it is made from is not changed').toEqual(before);
		}),
	);
});

test('of a live one, what is not known to be dropped is in flight', () => {
	fc.assert(
		fc.property(session, fc.nat(2000), ({ taps, port, missing }, dropped) => {
			const ledger = throughMirrorPort(taps, port, dropped);
			expectSums(ledger);
			const known = Math.min(dropped, missing.frames);
			expect(ledger.in_flight.frames).toBe(missing.frames - known);
			expect(ledger.in_flight.bytes).toBeGreaterThanOrEqual(0);
			if (known === missing.frames) expect(balances(ledger)).toBe(true);
			const queue = taps.lost_by.port_queue?.frames ?? 0;
			expect(ledger.lost_by.port_queue?.frames ?? 0).toBe(queue + known);
		}),
	);
});

test('a mirror port has its own counters, and a reason for each', () => {
	const { fields: at, size } = PortCountersLayout;
	const words = new Float64Array(size / 8);
	const put = (offset: number, count: Count) => {
		words.set([count.frames, count.bytes], offset / 8);
	};
	put(at.received.offset, { frames: 100, bytes: 1000 });
	put(at.delivered.offset, { frames: 79, bytes: 790 });
	put(at.truncated.offset, { frames: 5, bytes: 50 });
	portReasons.forEach((name, i) => {
		const index = PortLost[name as keyof typeof PortLost];
		put(at.lost.offset + index * CountLayout.size, { frames: i + 1, bytes: 10 * (i + 1) });
	});
	const ledger = portLedger(words);
	expect(ledger.received).toEqual({ frames: 100, bytes: 1000 });
	expect(ledger.delivered).toEqual({ frames: 79, bytes: 790 });
	expect(ledger.truncated).toEqual({ frames: 5, bytes: 50 });
	expect(Object.keys(ledger.lost_by)).toEqual(portReasons);
	expect(plus(sumOf(Object.values(ledger.lost_by)), ledger.delivered)).toEqual(ledger.received);
	expect(portLedger(new Float64Array(size / 8)).lost_by).toEqual({});
});
