/** Where the template has its fields. What is in them, byte for byte: test/kernel/encapsulation.test.ts. */
import { describe, expect, test } from 'vitest';
import { type Encapsulation, encapsulate } from '../../../src/plan/encapsulation.ts';
import type { TunnelDestination } from '../../../src/spec/destination.ts';
import { overhead } from '../../harness/encapsulations.ts';

const ADDRESS = { 4: '192.0.2.9', 6: '2001:db8::9' } as const;
/** Where IP ends. */
const IP_END = { 4: 14 + 20, 6: 14 + 40 } as const;

const NONE = {
	udpAt: 0,
	sequenceAt: 0,
	erspanAt: 0,
	metaAt: 0,
	erspanVersion: 0,
	timestampUnit: 0,
	symmetric: false,
	saysDirection: false,
} as const;

interface Row {
	name: string;
	to: (address: string) => TunnelDestination;
	/** Offsets count from the end of the IP header; absent fields are absent. */
	fields: Partial<Omit<Encapsulation, 'header' | 'ipVersion'>>;
	/** Behind IP. */
	length: number;
}

const ROWS: Row[] = [
	{ name: 'gre', to: (address) => ({ type: 'gre', address }), fields: {}, length: 4 },
	{ name: 'gre, key', to: (address) => ({ type: 'gre', address, key: 0 }), fields: {}, length: 8 },
	{
		name: 'gre, sequence',
		to: (address) => ({ type: 'gre', address, sequence: true }),
		fields: { sequenceAt: 4 },
		length: 8,
	},
	{
		name: 'gre, both',
		to: (address) => ({ type: 'gre', address, key: 7, sequence: true }),
		fields: { sequenceAt: 8 },
		length: 12,
	},
	{
		name: 'erspan I',
		to: (address) => ({ type: 'erspan', version: 1, address }),
		fields: {},
		length: 4,
	},
	{
		name: 'erspan II',
		to: (address) => ({ type: 'erspan', session: 1, address }),
		fields: { sequenceAt: 4, erspanAt: 8, erspanVersion: 2 },
		length: 16,
	},
	{
		name: 'erspan III',
		to: (address) => ({ type: 'erspan', version: 3, session: 1, address }),
		fields: {
			sequenceAt: 4,
			erspanAt: 8,
			erspanVersion: 3,
			timestampUnit: 100_000,
			saysDirection: true,
		},
		length: 20,
	},
	{
		name: 'erspan III, fine',
		to: (address) => ({ type: 'erspan', version: 3, session: 1, granularity: '100ns', address }),
		fields: {
			sequenceAt: 4,
			erspanAt: 8,
			erspanVersion: 3,
			timestampUnit: 100,
			saysDirection: true,
		},
		length: 20,
	},
	{
		name: 'vxlan',
		to: (address) => ({ type: 'vxlan', vni: 1, address }),
		fields: { udpAt: 0 },
		length: 16,
	},
	{
		name: 'vxlan, symmetric',
		to: (address) => ({ type: 'vxlan', vni: 1, symmetric: true, address }),
		fields: { udpAt: 0, symmetric: true },
		length: 16,
	},
	{
		name: 'geneve',
		to: (address) => ({ type: 'geneve', vni: 1, address }),
		fields: { udpAt: 0 },
		length: 16,
	},
	{
		name: 'geneve, options',
		to: (address) => ({ type: 'geneve', vni: 1, meta: true, address }),
		fields: { udpAt: 0, metaAt: 16, saysDirection: true },
		length: 16 + 28,
	},
];

const OFFSETS = ['udpAt', 'sequenceAt', 'erspanAt', 'metaAt'] as const;

describe.each([4, 6] as const)('over IPv%i', (version) => {
	test.each(ROWS)('$name', ({ to, fields, length }) => {
		const { header, ...rest } = encapsulate(to(ADDRESS[version]));
		const absolute = Object.fromEntries(
			OFFSETS.filter((name) => name in fields).map((name) => [
				name,
				IP_END[version] + (fields[name] as number),
			]),
		);
		expect(rest).toEqual({ ...NONE, ...fields, ...absolute, ipVersion: version });
		expect(header).toHaveLength(IP_END[version] + length);
		expect(header).toHaveLength(overhead(to(ADDRESS[version])));
	});
});

/** The sizes that documentation and other vendors name. */
test.each<[number, TunnelDestination]>([
	[50, { type: 'vxlan', vni: 1, address: ADDRESS[4] }],
	[70, { type: 'vxlan', vni: 1, address: ADDRESS[6] }],
	[50, { type: 'erspan', session: 1, address: ADDRESS[4] }],
	[54, { type: 'erspan', version: 3, session: 1, address: ADDRESS[4] }],
	[98, { type: 'geneve', vni: 1, meta: true, address: ADDRESS[6] }],
])('%i bytes of %j', (bytes, to) => {
	expect(encapsulate(to).header).toHaveLength(bytes);
});

test('a source address is in the template, and none is zeros', () => {
	const at = 14 + 12;
	const to: TunnelDestination = { type: 'gre', address: ADDRESS[4] };
	expect(encapsulate(to).header.subarray(at, at + 4)).toEqual(Uint8Array.of(0, 0, 0, 0));
	const from = encapsulate({ ...to, sourceAddress: '192.0.2.1' }).header;
	expect(from.subarray(at, at + 4)).toEqual(Uint8Array.of(192, 0, 2, 1));
});
