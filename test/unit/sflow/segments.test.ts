import { expect, test } from 'vitest';
import { segmentLengths } from '../../../src/sflow/segments.ts';
import { ethernet } from '../../harness/frames.ts';

const ETHERNET = 14;

function tcp4(options: Parameters<typeof ethernet>[0], header = 32): Buffer {
	const bytes = Buffer.alloc(20 + header);
	bytes[0] = 0x45;
	bytes[9] = 6;
	bytes[20 + 12] = (header / 4) << 4;
	return ethernet({ type: 0x0800, ...options }, bytes);
}

function udp6(): Buffer {
	const bytes = Buffer.alloc(48);
	bytes[0] = 0x60;
	bytes[6] = 17;
	return ethernet({ type: 0x86dd }, bytes);
}

const rows = [
	{ what: 'TCP with timestamps over IPv4', header: tcp4({}), headers: ETHERNET + 20 + 32 },
	{
		what: 'TCP behind a tag',
		header: tcp4({ tags: [{ id: 7 }] }),
		headers: ETHERNET + 4 + 20 + 32,
	},
	{ what: 'UDP over IPv6', header: udp6(), headers: ETHERNET + 40 + 8 },
];

test.each(rows)('$what', ({ header, headers }) => {
	const payload = 1448;
	for (const last of [1, 700, payload]) {
		const length = headers + 4 * payload + last;
		expect(segmentLengths(header, length, 5, payload)).toEqual({
			each: headers + payload,
			last: headers + last,
		});
	}
});

test('what is not understood is shared out: no byte is lost', () => {
	const { each, last } = segmentLengths(
		ethernet({ type: 0x88b5 }, Buffer.alloc(50)),
		3001,
		3,
		1000,
	);
	expect(2 * each + last).toBe(3001);
	const short = segmentLengths(Buffer.alloc(4), 3001, 3, 1000);
	expect(2 * short.each + short.last).toBe(3001);
});
