/** Wrong combinations do not compile: `tsc -p test` fails where an error is expected and there is none. */
import { expect, test } from 'vitest';
import type { Destination, MirrorSpec } from '../../../src/index.ts';
import { checkDestination } from '../../../src/spec/destination-check.ts';

const address = '192.0.2.9';

const right: Destination[] = [
	{ type: 'port', interface: 'm0' },
	{ type: 'rspan', interface: 'trunk0', vlan: 900, priority: 3, mtu: 1500, oversize: 'drop' },
	{ type: 'gre', address, key: 7, sequence: true, ttl: 3 },
	{ type: 'erspan', address, version: 1, sourceAddress: '192.0.2.1' },
	{ type: 'erspan', address, session: 10 },
	{ type: 'erspan', address, version: 2, session: 10, index: 3, cos: 1 },
	{ type: 'erspan', address, version: 3, session: 10, hwid: 3, granularity: '100ns' },
	{ type: 'vxlan', address, vni: 42, port: 8472, symmetric: true },
	{ type: 'geneve', address, vni: 42, meta: true, session: 3, dscp: 8 },
];

test('every right combination compiles, and is accepted', () => {
	for (const destination of right) expect(() => checkDestination(destination)).not.toThrow();
});

const spec = (to: MirrorSpec['to']): MirrorSpec => ({ sources: ['eth0'], to });

const wrong: MirrorSpec[] = [
	// @ts-expect-error a port has no TTL
	spec({ type: 'port', interface: 'm0', ttl: 3 }),
	// @ts-expect-error a port has no MTU of its own
	spec({ type: 'port', interface: 'm0', mtu: 1500 }),
	// @ts-expect-error a port is an interface
	spec({ type: 'port', address }),
	// @ts-expect-error the remote VLAN is missing
	spec({ type: 'rspan', interface: 'trunk0' }),
	// @ts-expect-error RSPAN has no IP header
	spec({ type: 'rspan', interface: 'trunk0', vlan: 900, dscp: 8 }),
	// @ts-expect-error GRE has no VNI
	spec({ type: 'gre', address, vni: 3 }),
	// @ts-expect-error GRE has no interface
	spec({ type: 'gre', interface: 'eth0' }),
	// @ts-expect-error type I has no session
	spec({ type: 'erspan', address, version: 1, session: 10 }),
	// @ts-expect-error type II has a session
	spec({ type: 'erspan', address }),
	// @ts-expect-error type II has no hardware id
	spec({ type: 'erspan', address, version: 2, session: 10, hwid: 3 }),
	// @ts-expect-error nor has it where the version is left out
	spec({ type: 'erspan', address, session: 10, hwid: 3 }),
	// @ts-expect-error nor a time
	spec({ type: 'erspan', address, session: 10, granularity: '100ns' }),
	// @ts-expect-error type II has no time
	spec({ type: 'erspan', address, version: 2, session: 10, granularity: '100ns' }),
	// @ts-expect-error type III has no index
	spec({ type: 'erspan', address, version: 3, session: 10, index: 3 }),
	// @ts-expect-error there is no such unit
	spec({ type: 'erspan', address, version: 3, session: 10, granularity: '1ns' }),
	// @ts-expect-error there is no type IV
	spec({ type: 'erspan', address, version: 4, session: 10 }),
	// @ts-expect-error the VNI is missing
	spec({ type: 'vxlan', address }),
	// @ts-expect-error VXLAN has no options
	spec({ type: 'vxlan', address, vni: 42, meta: true }),
	// @ts-expect-error a VNI is a number
	spec({ type: 'geneve', address, vni: '42' }),
	// @ts-expect-error GENEVE has no key
	spec({ type: 'geneve', address, vni: 42, key: 7 }),
	// @ts-expect-error copies are truncated or dropped, never fragmented
	spec({ type: 'gre', address, oversize: 'fragment' }),
	// @ts-expect-error there is no such type
	spec({ type: 'tzsp', address }),
];

test('every wrong one is caught by the compiler', () => {
	expect(wrong).toHaveLength(22);
});
