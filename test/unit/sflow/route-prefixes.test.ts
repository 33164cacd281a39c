import { expect, test } from 'vitest';
import { RoutePrefixes, type Routes } from '../../../src/sflow/route-prefixes.ts';

const ADDRESS = Buffer.from([10, 0, 0, 1]);

class Table implements Routes {
	asked = 0;
	hasChanged = false;
	prefix = 24;
	match() {
		this.asked++;
		return { prefix: this.prefix, interfaces: [2, 3] };
	}
	changed() {
		return this.hasChanged;
	}
}

test('what is known is not asked again', () => {
	const table = new Table();
	const prefixes = new RoutePrefixes(table);
	for (let now = 0; now < 10_000; now += 10) expect(prefixes.lengthOf(ADDRESS, 2, now)).toBe(24);
	expect(table.asked).toBe(1);
});

test('a change of routes is seen within a tenth of a second', () => {
	const table = new Table();
	const prefixes = new RoutePrefixes(table);
	prefixes.lengthOf(ADDRESS, null, 0);
	table.prefix = 16;
	expect(prefixes.lengthOf(ADDRESS, null, 1000)).toBe(24);
	table.hasChanged = true;
	expect(prefixes.lengthOf(ADDRESS, null, 1100)).toBe(16);
});

test('a route through another interface is not its route', () => {
	const prefixes = new RoutePrefixes(new Table());
	expect(prefixes.lengthOf(ADDRESS, 3, 0)).toBe(24);
	expect(prefixes.lengthOf(ADDRESS, 4, 0)).toBe(0);
});

test('a thousand questions in a second, then "not known"', () => {
	const table = new Table();
	const prefixes = new RoutePrefixes(table);
	const address = Buffer.alloc(4);
	const ask = (from: number, count: number, now: number): number[] =>
		Array.from({ length: count }, (_, i) => {
			address.writeUInt32BE(from + i);
			return prefixes.lengthOf(address, null, now);
		});
	expect(ask(1, 1200, 5000).filter((length) => length === 24)).toHaveLength(1000);
	expect(table.asked).toBe(1000);
	expect(ask(1001, 200, 6100)).toEqual(new Array(200).fill(24));
});

test('memory is bounded', () => {
	const table = new Table();
	const prefixes = new RoutePrefixes(table);
	const address = Buffer.alloc(4);
	for (let i = 0; i < 70_000; i++) {
		address.writeUInt32BE(i);
		prefixes.lengthOf(address, null, i);
	}
	expect(table.asked).toBe(70_000);
	address.writeUInt32BE(0);
	prefixes.lengthOf(address, null, 80_000);
	expect(table.asked, 'the first one was forgotten').toBe(70_001);
});
