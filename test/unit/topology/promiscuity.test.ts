import { describe, expect, test } from 'vitest';
import type { Link } from '../../../src/topology/links.ts';
import { auditPromiscuity } from '../../../src/topology/promiscuity.ts';
import { link } from '../../harness/links.ts';
import { OWN, topologyOf } from '../../harness/topologies.ts';

const UP = 0x1;
const PROMISC = 0x100;

const audit = (...links: Link[]) => auditPromiscuity(topologyOf({ [OWN]: { links } }), []);

const reasonsOf = (name: string, ...links: Link[]) =>
	audit(...links).interfaces.find((each) => each.interface === name)?.reasons;

const findingsOf = (...links: Link[]) =>
	audit(...links).findings.map(({ finding, interface: name }) => `${finding} ${name}`);

const promiscuous = (name: string, ifindex: number, more: Partial<Link> = {}) =>
	link(name, ifindex, { promiscuity: 1, ...more });

const bridge = (more: Partial<Link> = {}) =>
	link('br0', 10, { kind: 'bridge', bridge: { vlanFiltering: false }, ...more });

describe('reasons', () => {
	test('none is promiscuous', () => {
		expect(audit(link('eth0', 2)).interfaces).toEqual([]);
	});
	test('an administrator', () => {
		expect(reasonsOf('eth0', promiscuous('eth0', 2, { flags: UP | PROMISC }))).toMatchObject([
			{ reason: 'administrator' },
		]);
	});
	test('the counter alone', () => {
		expect(reasonsOf('eth0', link('eth0', 2, { promiscuity: 2 }))).toMatchObject([
			{ reason: 'unexplained', count: 2 },
		]);
	});
	test('port of a bridge, and of Open vSwitch', () => {
		const ovs = link('ovs-system', 11, { kind: 'openvswitch' });
		const ports = [
			promiscuous('eth0', 2, { master: 10, slaveKind: 'bridge' }),
			promiscuous('eth1', 3, { master: 11, slaveKind: 'openvswitch' }),
		];
		expect(reasonsOf('eth0', bridge(), ovs, ...ports)).toMatchObject([
			{ reason: 'port', name: 'br0', kind: 'bridge' },
		]);
		expect(reasonsOf('eth1', bridge(), ovs, ...ports)).toMatchObject([
			{ reason: 'port', name: 'ovs-system', kind: 'openvswitch' },
		]);
	});
	test('port of a bond only when the bond itself is promiscuous', () => {
		const port = promiscuous('eth0', 2, { master: 12 });
		const bond = link('bond0', 12, { kind: 'bond', bond: { mode: 4 } });
		expect(reasonsOf('eth0', port, { ...bond, promiscuity: 1 })).toMatchObject([
			{ reason: 'port', name: 'bond0', kind: 'bond' },
		]);
		expect(reasonsOf('eth0', port, bond)).toMatchObject([{ reason: 'unexplained', count: 1 }]);
	});
	test('below a promiscuous VLAN, and a macvlan in passthru mode', () => {
		const vlan = promiscuous('eth0.7', 3, { link: 2, vlan: { id: 7, protocol: 33024 } });
		const passthru = link('mv', 5, { kind: 'macvlan', link: 4, macvlan: { mode: 8, flags: 0 } });
		const parents = [promiscuous('eth0', 2), promiscuous('eth1', 4)];
		expect(reasonsOf('eth0', vlan, passthru, ...parents)).toMatchObject([
			{ reason: 'lower_device', name: 'eth0.7', kind: 'physical' },
		]);
		expect(reasonsOf('eth1', vlan, passthru, ...parents)).toMatchObject([
			{ reason: 'lower_device', name: 'mv', kind: 'macvlan' },
		]);
	});
	test('a driver that cannot filter for several addresses', () => {
		const macvlan = link('mv', 5, {
			kind: 'macvlan',
			link: 4,
			address: '02:00:00:00:00:99',
			macvlan: { mode: 4 },
		});
		expect(reasonsOf('eth1', macvlan, promiscuous('eth1', 4))).toMatchObject([
			{ reason: 'more_addresses', of: [{ name: 'mv' }] },
		]);
	});
	test('several at once add up; packet sockets are those of this namespace', () => {
		const host = topologyOf({
			[OWN]: {
				links: [link('eth0', 2, { promiscuity: 4, flags: UP | PROMISC, master: 10 }), bridge()],
			},
		});
		const holder = { ifindex: 2, socket: 7, pid: 42, command: 'tcpdump' };
		const holders = [
			{ ...holder, netns: OWN },
			{ ...holder, netns: 999, socket: 8 },
		];
		expect(auditPromiscuity(host, holders).interfaces[0]?.reasons).toMatchObject([
			{ reason: 'administrator' },
			{ reason: 'port', name: 'br0', kind: 'bridge' },
			{ reason: 'packet_socket', socket: 7, pid: 42, command: 'tcpdump' },
			{ reason: 'unexplained', count: 1 },
		]);
	});
	test('a kernel that cannot tell about sockets', () => {
		expect(auditPromiscuity(topologyOf({}), null).socketsKnown).toBe(false);
	});
});

describe('inconsistent', () => {
	const team = (promiscuity: number) =>
		link('team0', 12, { kind: 'team', promiscuity, master: 10 });
	test('a promiscuous team in a bridge, with a port that is not', () => {
		const nics = [promiscuous('eth0', 2, { master: 12 }), link('eth1', 3, { master: 12 })];
		expect(findingsOf(bridge(), team(1), ...nics)).toEqual(['inconsistent eth1']);
		const [finding] = audit(bridge(), team(1), ...nics).findings;
		expect(finding?.message).toMatch(/team team0 is promiscuous, but its port eth1 is not/);
		expect(finding?.remedy).toEqual(['ip link set dev eth1 promisc on']);
	});
	test('a bridge with one promiscuous port and one that is not', () => {
		const ports = [
			promiscuous('veth1', 2, { kind: 'veth', master: 10 }),
			link('eth0', 3, { master: 10 }),
		];
		const filtering = bridge({ bridge: { vlanFiltering: true } });
		expect(findingsOf(filtering, ...ports)).toEqual(['inconsistent eth0']);
	});
	test('a veth takes every frame anyway', () => {
		const ports = [
			promiscuous('eth0', 2, { master: 10 }),
			link('v1', 3, { kind: 'veth', master: 10 }),
		];
		expect(findingsOf(bridge(), ...ports)).toEqual([]);
	});
	test('of an active-backup bond only the active port is', () => {
		const bond = link('bond0', 12, { kind: 'bond', promiscuity: 1, bond: { mode: 1 } });
		const nics = [promiscuous('eth0', 2, { master: 12 }), link('eth1', 3, { master: 12 })];
		expect(findingsOf(bond, ...nics)).toEqual([]);
	});
	test('in another namespace the command goes there', () => {
		const host = topologyOf({
			[OWN]: { links: [] },
			200: {
				links: [
					link('team0', 12, { kind: 'team', promiscuity: 1 }),
					link('eth1', 3, { master: 12 }),
				],
			},
		});
		expect(auditPromiscuity(host, []).findings[0]?.remedy).toEqual([
			'nsenter --net=/run/netns/ns200 ip link set dev eth1 promisc on',
		]);
	});
});

describe('hairpin', () => {
	const made = bridge({ promiscuity: 1, flags: UP | PROMISC });
	const port = (hairpin: boolean) =>
		promiscuous('veth1', 3, {
			kind: 'veth',
			master: 10,
			link: 2,
			linkNetnsid: 0,
			bridgePort: {
				state: 3,
				hairpin,
				isolated: false,
				learning: true,
				flood: true,
				multicastFlood: true,
				broadcastFlood: true,
			},
		});
	test('a bridge that was made promiscuous, with ports to containers', () => {
		const { findings } = audit(made, port(false));
		expect(findings.map((each) => each.finding)).toEqual(['hairpin']);
		expect(findings[0]?.remedy).toEqual([
			'bridge link set dev veth1 hairpin on',
			'ip link set dev br0 promisc off',
		]);
	});
	test('not where hairpin is on, or a capture holds the bridge', () => {
		expect(findingsOf(made, port(true))).toEqual([]);
		expect(findingsOf(bridge({ promiscuity: 1 }), port(false))).toEqual([]);
	});
});

describe('left behind', () => {
	const nic = promiscuous('eth0', 2, { flags: UP | PROMISC });
	test('by hand, on a NIC, for nothing', () => {
		expect(findingsOf(nic)).toEqual(['left_behind eth0']);
		expect(audit(nic).findings[0]?.remedy).toEqual(['ip link set dev eth0 promisc off']);
	});
	test('not where something else uses it, nor on a virtual device', () => {
		expect(findingsOf({ ...nic, promiscuity: 2 })).toEqual([]);
		expect(findingsOf({ ...nic, promiscuity: 2, master: 10 }, bridge())).toEqual([]);
		expect(findingsOf({ ...nic, kind: 'veth' })).toEqual([]);
	});
});
