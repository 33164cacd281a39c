import { expect, test } from 'vitest';
import { CountersLayout, Lost } from '../../src/abi.gen.ts';
import { balances, sumLedgers, tapLedger, UserCounts } from '../../src/ledger.ts';

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
