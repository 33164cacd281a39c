import { expect, test } from 'vitest';
import { type BridgeReader, Bridges } from '../../../src/sflow/bridges.ts';
import { discarded, multiple, UNKNOWN_PORT } from '../../../src/sflow/ports.ts';
import type { Link } from '../../../src/topology/links.ts';

const BRIDGE = 10;
const MAC = 0x020000000002;

const port = (ifindex: number, more: Partial<NonNullable<Link['bridgePort']>> = {}) =>
	({
		ifindex,
		master: BRIDGE,
		bridgePort: { state: 3, hairpin: false, isolated: false, learning: true, flood: true, ...more },
	}) as Link;

function reader(more: Partial<BridgeReader> = {}, vlanFiltering = false): BridgeReader {
	const bridge = { ifindex: BRIDGE, bridge: { vlanFiltering } } as Link;
	return {
		links: () => [bridge, port(1), port(2), port(3, { state: 4 }), port(4, { hairpin: true })],
		table: () => [{ bridge: BRIDGE, port: 2, vlan: 0, address: MAC, local: false }],
		vlans: () => [],
		...more,
	};
}

test('an interface that is no bridge port', () => {
	expect(new Bridges(reader()).outputOf(7, MAC, null, 0)).toBe(UNKNOWN_PORT);
});

test('a blocked port', () => {
	expect(new Bridges(reader()).outputOf(3, MAC, null, 0)).toBe(UNKNOWN_PORT);
});

test('back to where it came from, with hairpin and without', () => {
	const at = (number: number) => ({
		table: () => [{ bridge: BRIDGE, port: number, vlan: 0, address: MAC, local: false }],
	});
	expect(new Bridges(reader(at(1))).outputOf(1, MAC, null, 0)).toBe(discarded(256));
	expect(new Bridges(reader(at(4))).outputOf(4, MAC, null, 0)).toBe(4);
});

test('with VLANs a frame without a tag is in that of its port', () => {
	const bridges = new Bridges(
		reader(
			{
				table: () => [
					{ bridge: BRIDGE, port: 2, vlan: 5, address: MAC, local: false },
					{ bridge: BRIDGE, port: 4, vlan: 6, address: MAC, local: false },
				],
				vlans: () => [{ port: 1, pvid: 5 }],
			},
			true,
		),
	);
	expect(bridges.outputOf(1, MAC, null, 0)).toBe(2);
	expect(bridges.outputOf(1, MAC, 0, 0), 'a priority tag').toBe(2);
	expect(bridges.outputOf(1, MAC, 6, 0)).toBe(4);
	expect(bridges.outputOf(1, MAC, 7, 0)).toBe(multiple(0));
});

test('the table is read once a second, and only when somebody asks', () => {
	let reads = 0;
	const bridges = new Bridges(
		reader({
			table: () => {
				reads++;
				return [];
			},
		}),
	);
	expect(reads).toBe(0);
	for (let now = 0; now < 2000; now += 10) bridges.outputOf(1, MAC, null, now);
	expect(reads).toBe(2);
});
