import { expect, test } from 'vitest';
import { padded, XdrWriter } from '../../../src/sflow/xdr.ts';

/** What write() writes, over memory that was used before. */
function written(write: (xdr: XdrWriter) => void): string {
	const memory = Buffer.alloc(64, 0xee);
	const xdr = new XdrWriter(memory);
	write(xdr);
	return memory.subarray(0, xdr.at).toString('hex');
}

test('numbers are big-endian', () => {
	expect(written((xdr) => xdr.u32(0x01020304))).toBe('01020304');
	expect(written((xdr) => xdr.u64(0x0102030405060708n))).toBe('0102030405060708');
	expect(written((xdr) => xdr.float(0.5))).toBe('3f000000');
});

test('counters that are wider than their field go on modulo 2^32', () => {
	expect(written((xdr) => xdr.u32(2 ** 32 + 7))).toBe('00000007');
	expect(written((xdr) => xdr.u32(2 ** 40 + 0.75))).toBe('00000000');
	expect(written((xdr) => xdr.u32(-1))).toBe('ffffffff');
});

test.each([
	['', '00000000'],
	['61', '0000000161000000'],
	['6162', '0000000261620000'],
	['616263', '0000000361626300'],
	['61626364', '0000000461626364'],
	['6162636465', '000000056162636465000000'],
])('opaque %s is padded with zeros', (data, expected) => {
	expect(written((xdr) => xdr.opaque(Buffer.from(data, 'hex')))).toBe(expected);
});

test('a part of the data is padded as if there were no more', () => {
	const data = Buffer.from('616263646566', 'hex');
	expect(written((xdr) => xdr.opaque(data, 5))).toBe('000000056162636465000000');
	expect(written((xdr) => xdr.fixed(data, 2))).toBe('61620000');
});

test('strings are cut between characters', () => {
	expect(written((xdr) => xdr.string('eth0', 15))).toBe('0000000465746830');
	expect(written((xdr) => xdr.string('aé', 2))).toBe('0000000161000000');
	expect(written((xdr) => xdr.string('aé', 3))).toBe('0000000361c3a900');
});

test('what is filled in later replaces nothing else', () => {
	const hex = written((xdr) => {
		xdr.u32(1);
		xdr.u32(2);
		xdr.u32(3);
		xdr.setU32(4, 0xaabbccdd);
	});
	expect(hex).toBe('00000001aabbccdd00000003');
});

test('padding', () => {
	expect([0, 1, 2, 3, 4, 5].map(padded)).toEqual([0, 4, 4, 4, 4, 8]);
});
