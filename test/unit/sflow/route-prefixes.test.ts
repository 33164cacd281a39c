import { expect, test } from 'vitest';
import { type NativeRouteTable, native } from '../../../src/native.ts';
import { RoutePrefixes } from '../../../src/sflow/route-prefixes.ts';

const ADDRESS = Buffer.from([10, 0, 0, 1]);

class Table implements NativeRouteTable {
	asked = 0;
	hasChanged = false;
	prefix = 24;
	entry(): number[] {
		this.asked++;
		return [this.prefix, 2, 3];
	}
	changed(): boolean {
		return this.hasChanged;
	}
	close(): void {}
}

/** How many of so many new addresses get an answer. */
function answered(prefixes: RoutePrefixes, from: number, count: number): number {
	const address = Buffer.alloc(4);
	return Array.from({ length: count }, (_, i) => {
		address.writeUInt32BE(from + i);
		return prefixes.lengthOf(address);
	}).filter((length) => length > 0).length;
}

test('what is known is not asked again', () => {
	const table = new Table();
	const prefixes = new RoutePrefixes(table);
	for (let now = 0; now < 10_000; now += 10) {
		prefixes.refresh(now);
		expect(prefixes.lengthOf(ADDRESS, 2)).toBe(24);
	}
	expect(table.asked).toBe(1);
});

test('a change of routes is seen within a second', () => {
	const table = new Table();
	const prefixes = new RoutePrefixes(table);
	prefixes.refresh(0);
	prefixes.lengthOf(ADDRESS);
	Object.assign(table, { prefix: 16, hasChanged: true });
	prefixes.refresh(999);
	expect(prefixes.lengthOf(ADDRESS)).toBe(24);
	prefixes.refresh(1000);
	expect(prefixes.lengthOf(ADDRESS)).toBe(16);
});

test('a route through other interfaces is not its route', () => {
	const prefixes = new RoutePrefixes(new Table());
	expect(prefixes.lengthOf(ADDRESS, 3)).toBe(24);
	expect(prefixes.lengthOf(ADDRESS, 4)).toBe(0);
});

test('a thousand questions in a second, then "not known"', () => {
	const table = new Table();
	const prefixes = new RoutePrefixes(table);
	prefixes.refresh(5000);
	expect(answered(prefixes, 1, 1200)).toBe(1000);
	expect(table.asked).toBe(1000);
	prefixes.refresh(6100);
	expect(answered(prefixes, 1001, 200)).toBe(200);
});

test('memory is bounded', () => {
	const table = new Table();
	const prefixes = new RoutePrefixes(table);
	for (let second = 0; second < 70; second++) {
		prefixes.refresh(second * 1000);
		answered(prefixes, second * 1000, 1000);
	}
	expect(table.asked).toBe(70_000);
	prefixes.refresh(80_000);
	answered(prefixes, 0, 1);
	expect(table.asked, 'the first one was forgotten').toBe(70_001);
});

test('a closed table of the kernel answers with an error', () => {
	const table = new native.RouteTable();
	expect(table.entry(Buffer.from([127, 0, 0, 1]))).not.toBeNull();
	table.close();
	expect(() => table.entry(ADDRESS)).toThrow(/closed route table/);
	expect(() => table.changed()).toThrow(/closed route table/);
});
