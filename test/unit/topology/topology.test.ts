import { expect, test } from 'vitest';
import { describeKind, kindOf } from '../../../src/topology/device.ts';
import { link } from '../../harness/links.ts';
import { deviceOf, OWN, topologyOf } from '../../harness/topologies.ts';

/** A bridge with a container's veth, whose far ends have the same ifindex in two namespaces. */
const host = topologyOf({
	[OWN]: {
		links: [
			link('br0', 2, { kind: 'bridge' }),
			link('v1', 3, { kind: 'veth', master: 2, link: 2, linkNetnsid: 0 }),
			link('v2', 4, { kind: 'veth', master: 2, link: 2, linkNetnsid: 1 }),
			link('v3', 5, { kind: 'veth', link: 2, linkNetnsid: 7 }),
			link('up0', 6),
			link('up0.10', 7, { kind: 'vlan', link: 6, vlan: { id: 10, protocol: 0x8100 } }),
			link('gre0', 8, { kind: 'gre', link: 0 }),
			link('vx', 9, { kind: 'vxlan', vxlan: { id: 42, link: 6, port: 4789 } }),
		],
		addresses: { br0: '10.1.0.1/24' },
		ids: { 0: 200, 1: 300 },
	},
	200: {
		links: [link('eth0', 2, { kind: 'veth', link: 3, linkNetnsid: 0 })],
		addresses: { eth0: '10.1.0.2/24' },
		ids: { 0: OWN },
	},
	300: {
		links: [
			link('eth1', 2, { kind: 'veth', link: 4, linkNetnsid: 0 }),
			link('mv', 3, { kind: 'macvlan', link: 6, linkNetnsid: 0, macvlan: { mode: 4 } }),
		],
		ids: { 0: OWN },
	},
});

test('an ifindex is looked up in its own namespace', () => {
	expect(host.device(deviceOf(host, 'v1').peer)?.name).toBe('eth0');
	expect(host.device(deviceOf(host, 'v2').peer)?.name).toBe('eth1');
	expect(host.device(deviceOf(host, 'eth1').peer)?.name).toBe('v2');
	expect(host.device({ netns: 999, ifindex: 2 })).toBeNull();
});

test('a peer in a namespace that cannot be seen is said to be hidden', () => {
	expect(deviceOf(host, 'v3')).toMatchObject({ peer: null, hidden: true });
	expect(deviceOf(host, 'v1').hidden).toBe(false);
});

test('parents, also in another namespace, know their children', () => {
	const parent = deviceOf(host, 'up0');
	const names = parent.children.map((ref) => host.device(ref)?.name);
	expect(names).toEqual(['up0.10', 'vx', 'mv']);
	expect(deviceOf(host, 'up0.10')).toMatchObject({
		peer: null,
		parent: { netns: OWN, ifindex: 6 },
	});
});

test('a tunnel without a parent has none', () => {
	expect(deviceOf(host, 'gre0')).toMatchObject({ parent: null, peer: null, hidden: false });
});

test('a bridge knows its ports', () => {
	const names = deviceOf(host, 'br0').ports.map((ref) => host.device(ref)?.name);
	expect(names).toEqual(['v1', 'v2']);
});

test('the end of a pair in this namespace is the host end of the other', () => {
	expect(host.hostEnd(deviceOf(host, 'eth0'))?.name).toBe('v1');
	expect(host.hostEnd(deviceOf(host, 'v1'))).toBeNull();
	expect(host.hostEnd(deviceOf(host, 'mv'))).toBeNull();
});

test('JSON has the devices with their addresses, and no index', () => {
	const json = JSON.parse(JSON.stringify(host));
	expect(Object.keys(json)).toEqual(['own', 'namespaces', 'devices']);
	expect(json.devices[0]).toMatchObject({
		netns: OWN,
		ifindex: 2,
		name: 'br0',
		kind: 'bridge',
		addresses: [{ address: '10.1.0.1', prefix: 24 }],
	});
	expect(json.devices[0]).not.toHaveProperty('link');
});

test.each([
	[link('lo', 1, { arpType: 772 }), 'loopback'],
	[link('eth0', 2), 'physical'],
	[link('tap0', 3, { kind: 'tun', tun: { type: 2, persist: true } }), 'tap'],
	[link('tun0', 4, { kind: 'tun', tun: { type: 1, persist: true } }), 'tun'],
	[link('v', 5, { kind: 'veth' }), 'veth'],
])('the kind of $name', (each, kind) => {
	expect(kindOf(each)).toBe(kind);
});

test('a kind is described with what distinguishes it', () => {
	expect(describeKind(deviceOf(host, 'mv'))).toBe('macvlan, bridge mode');
	expect(describeKind(deviceOf(host, 'up0.10'))).toBe('VLAN 10');
	expect(describeKind(deviceOf(host, 'vx'))).toBe('VXLAN 42');
});
