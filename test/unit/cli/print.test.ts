import { expect, test } from 'vitest';
import { formatBytes, formatNumber, table } from '../../../src/cli/print.ts';

test('numbers and bytes for people', () => {
	expect([0, 999, 1000, 1_234_567].map(formatNumber)).toEqual(['0', '999', '1,000', '1,234,567']);
	expect([0, 1023, 1024, 1536, 200 * 1024, 5 * 2 ** 30].map(formatBytes)).toEqual([
		'0 B',
		'1023 B',
		'1.0 KiB',
		'1.5 KiB',
		'200 KiB',
		'5.0 GiB',
	]);
});

test('columns line up, text to the left, numbers to the right', () => {
	expect(
		table([
			['A', 'BB', 'N'],
			['aaa', 'b', '10'],
		]),
	).toBe('A    BB   N\naaa  b   10');
});
