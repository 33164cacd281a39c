import { expect, test } from 'vitest';
import { whereIs } from '../../../src/topology/where.ts';
import { codeOf } from '../../harness/errors.ts';
import { link } from '../../harness/links.ts';
import { OWN, processes, topologyOf } from '../../harness/topologies.ts';

const POD = 200;
const macvlan = (name: string, ifindex: number, mode: number, parent: number) =>
	link(name, ifindex, {
		kind: 'macvlan',
		link: parent,
		linkNetnsid: 0,
		macvlan: { mode },
		address: `02:00:00:00:01:0${ifindex}`,
	});

const host = topologyOf({
	[OWN]: {
		links: [
			link('br0', 2, { kind: 'bridge' }),
			link('veth1', 3, { kind: 'veth', master: 2, link: 2, linkNetnsid: 0 }),
			link('eth0', 4, { address: '02:00:00:00:00:04' }),
			link('eth1', 5),
			link('bond0', 6, { kind: 'bond', bond: { mode: 1 } }),
			link('eth2', 7, { master: 6 }),
		],
		addresses: { br0: '10.88.0.1/16' },
		ids: { 0: POD },
	},
	[POD]: {
		namespace: { names: [], path: '/proc/4242/ns/net', pids: [4242], command: 'nginx' },
		links: [
			link('eth0', 2, { kind: 'veth', link: 3, linkNetnsid: 0 }),
			macvlan('mv1', 3, 4, 4),
			macvlan('mv2', 4, 4, 4),
			macvlan('vepa', 5, 2, 5),
			macvlan('alone', 6, 1, 5),
			link('ipv', 7, { kind: 'ipvlan', link: 5, linkNetnsid: 0, ipvlan: { mode: 0 } }),
			link('vlan7', 8, { kind: 'vlan', link: 5, linkNetnsid: 0, vlan: { id: 7, protocol: 33024 } }),
		],
		addresses: { eth0: '10.88.1.2/16' },
		ids: { 0: OWN },
	},
});

const web = { id: '4f5e'.repeat(16), names: ['web'], pid: 4242, netns: POD };
const table = processes({ 4242: POD }, [web]);
const where = (query: string) => whereIs(query, host, table);
const adviceOn = (query: string) => where(query)[0]?.advice ?? [];

test('an address of a container: namespace, process, host side, bridge', () => {
	const [place] = where('10.88.1.2');
	expect(place).toMatchObject({
		device: { name: 'eth0', netns: POD },
		namespace: { pids: [4242], command: 'nginx' },
		containers: [{ names: ['web'] }],
		hostEnd: { name: 'veth1', netns: OWN },
		bridge: { name: 'br0' },
	});
	expect(place?.advice.map((each) => each.source)).toEqual(['veth1', 'bridge:br0']);
});

test.each(['ip:10.88.1.2', 'container:web/eth0', 'pid:4242/eth0'])('%s is the same', (query) => {
	expect(where(query)).toEqual(where('10.88.1.2'));
});

test('a name is looked for in every namespace', () => {
	expect(where('eth0').map((place) => place.device.netns)).toEqual([OWN, POD]);
});

test('what macvlans in bridge mode say to each other, the parent sees one way', () => {
	const [itself, parent] = adviceOn('mv1');
	expect(itself).toMatchObject({ source: 'pid:4242/mv1', see: 'all that mv1 receives and sends' });
	expect(parent?.source).toBe('eth0');
	expect(parent?.note).toMatch(
		/what macvlans of eth0 send to each other \(mv2 in .*\) is seen here as received, and not as sent/,
	);
});

test('the parent says it, too, and names the right place', () => {
	const advice = where('02:00:00:00:00:04')[0]?.advice.find((each) => /each other/.test(each.see));
	expect(advice).toMatchObject({
		source: 'pid:4242/mv1 pid:4242/mv2',
		note: 'it never passes eth0',
	});
});

test.each([
	['vepa', /comes back from the switch/],
	['alone', /cannot reach each other/],
	['ipv', /ipvlans of eth1 send to each other: that never passes eth1/],
	['vlan7', /vlan 7/],
])('%s: what the parent sees', (name, note) => {
	const advice = adviceOn(name).find((each) => each.source === 'eth1');
	expect(advice?.note).toMatch(note);
});

test('a bridge device itself sees only the host', () => {
	expect(adviceOn('br0')[0]?.note).toMatch(/frames between its ports do not pass it/);
});

test('a bond: its ports see which way frames take', () => {
	expect(adviceOn('bond0').some((each) => /LACP/.test(each.see))).toBe(true);
});

test.each(['10.88.9.9', '192.0.2.1', '02:ff:ff:ff:ff:ff', 'eth9'])('%s is nowhere', (query) => {
	expect(codeOf(() => where(query))).toBe('no_match');
});

test('an address of a known network: whose', () => {
	expect(() => where('10.88.9.9')).toThrow(
		expect.objectContaining({ hint: expect.stringMatching(/the network of br0/) }),
	);
});
