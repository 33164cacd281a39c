import { expect, test } from 'vitest';
import { segmentLengths } from '../../../src/sflow/segments.ts';
import { ethernet, type Tag } from '../../harness/frames.ts';

const ETHERNET = 14;

function tcp4(tags: Tag[] = []): Buffer {
	const header = 32;
	const bytes = Buffer.alloc(20 + header);
	bytes[0] = 0x45;
	bytes[9] = 6;
	bytes[20 + 12] = (header / 4) << 4;
	return ethernet({ type: 0x0800, tags }, bytes);
}

function udp6(): Buffer {
	const bytes = Buffer.alloc(48);
	bytes[0] = 0x60;
	bytes[6] = 17;
	return ethernet({ type: 0x86dd }, bytes);
}

const rows = [
	{ what: 'TCP with timestamps over IPv4', header: tcp4(), headers: ETHERNET + 20 + 32 },
	{
		what: 'TCP behind a tag',
		header: tcp4([{ id: 7 }]),
		headers: ETHERNET + 4 + 20 + 32,
	},
	{ what: 'UDP over IPv6', header: udp6(), headers: ETHERNET + 40 + 8 },
];

test.each(rows)('$what', ({ header, headers }) => {
	const payload = 1448;
	for (const last of [1, 700, payload]) {
		const length = headers + 4 * payload + last;
		expect(segmentLengths({ header, protocol: 'ethernet' }, length, 5, payload)).toEqual({
			each: headers + payload,
			last: headers + last,
		});
	}
});

test('without Ethernet the IP header comes first', () => {
	const header = tcp4().subarray(ETHERNET);
	const lengths = segmentLengths({ header, protocol: 'ipv4' }, 52 + 1448 + 10, 2, 1448);
	expect(lengths).toEqual({ each: 52 + 1448, last: 52 + 10 });
});

test.each([ethernet({ type: 0x88b5 }, Buffer.alloc(50)), Buffer.alloc(4)])(
	'what is not understood is shared out: no byte is lost',
	(header) => {
		const { each, last } = segmentLengths({ header, protocol: 'ethernet' }, 3001, 3, 1000);
		expect(2 * each + last).toBe(3001);
	},
);
