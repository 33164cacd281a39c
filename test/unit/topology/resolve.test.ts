import { describe, expect, test } from 'vitest';
import { XspanError } from '../../../src/errors.ts';
import { resolveSources, tapsFor } from '../../../src/topology/resolve.ts';
import { codeOf } from '../../harness/errors.ts';
import { link } from '../../harness/links.ts';
import { OWN, processes, topologyOf } from '../../harness/topologies.ts';

const ID = '4f5e'.repeat(16);
const WEB = 200;
const MAC = 300;
const NESTED = 400;
const SECRET = 500;

const host = topologyOf({
	[OWN]: {
		links: [
			link('lo', 1, { arpType: 772, address: '00:00:00:00:00:00' }),
			link('br0', 2, { kind: 'bridge', address: '02:00:00:00:00:aa' }),
			link('veth1', 3, { kind: 'veth', master: 2, link: 2, linkNetnsid: 0 }),
			link('veth2', 4, { kind: 'veth', master: 2, link: 3, linkNetnsid: 0 }),
			link('up0', 5, { master: 2, address: '02:00:00:00:00:aa' }),
			link('up1', 6, { address: '02:00:00:00:00:ab' }),
			link('up1.10', 7, {
				kind: 'vlan',
				link: 6,
				address: '02:00:00:00:00:ab',
				vlan: { id: 10, protocol: 0x8100 },
			}),
			link('tap0', 8, {
				kind: 'tun',
				tun: { type: 2, persist: false },
				address: 'fe:54:00:00:00:01',
			}),
			link('br1', 9, { kind: 'bridge' }),
		],
		addresses: { br0: '10.88.1.1/24' },
		ids: { 0: WEB },
	},
	[WEB]: {
		namespace: { names: ['web'], path: '/run/netns/web', pids: [4242], command: 'nginx' },
		links: [
			link('lo', 1, { arpType: 772, address: '00:00:00:00:00:00' }),
			link('eth0', 2, {
				kind: 'veth',
				link: 3,
				linkNetnsid: 0,
				address: '02:42:00:00:00:02',
			}),
			link('eth1', 3, { kind: 'veth', link: 4, linkNetnsid: 0 }),
		],
		addresses: { eth0: '10.88.1.2/24', lo: '127.0.0.1/8' },
		ids: { 0: OWN },
	},
	[MAC]: {
		namespace: { names: [], path: '/proc/77/ns/net', pids: [77], command: 'db' },
		links: [
			link('eth0', 2, { kind: 'macvlan', link: 6, linkNetnsid: 0, macvlan: { mode: 4 } }),
			link('inner', 3, { kind: 'veth', link: 2, linkNetnsid: 1 }),
		],
		ids: { 0: OWN, 1: NESTED },
	},
	[NESTED]: {
		links: [link('eth0', 2, { kind: 'veth', link: 3, linkNetnsid: 0 })],
		ids: { 0: MAC },
		addresses: { eth0: '10.9.9.9/24' },
	},
	[SECRET]: { namespace: { names: ['secret'], unreadable: 'EPERM' }, links: [] },
});

const web = { id: ID, names: ['web', 'shop'], pid: 4242, netns: WEB };
const db = { id: '0a1b'.repeat(16), names: ['db'], pid: 77, netns: MAC };
const hostnet = { id: 'cccc'.repeat(16), names: ['agent'], pid: 5, netns: OWN };
const table = processes({ 4242: WEB, 77: MAC, 5: OWN, 6: OWN, 9: SECRET }, [web, db, hostnet], {
	6: ['tap0'],
});

const resolve = (...expressions: string[]) => resolveSources(expressions, host, table);
const names = (...expressions: string[]) =>
	resolve(...expressions).sources.map((source) => source.name);

const taps = (direction: 'rx' | 'tx' | 'both', ...expressions: string[]) =>
	tapsFor(resolve(...expressions).sources, direction).map(
		(tap) => `${tap.source.name} ${tap.direction}`,
	);

function hintOf(...expressions: string[]): string {
	try {
		resolve(...expressions);
	} catch (error) {
		if (error instanceof XspanError) return `${error.message}; ${error.hint}`;
		throw error;
	}
	throw new Error('nothing was thrown');
}

describe('a container', () => {
	test.each(['container:web', 'container:shop', 'container:we', `container:${ID.slice(0, 6)}`])(
		'%s is tapped at the host end of its veths',
		(text) => {
			expect(names(text)).toEqual(['veth1', 'veth2']);
		},
	);
	test('one interface of it: what it sends is received at the other end', () => {
		expect(resolve('container:web/eth0').sources).toEqual([
			{
				netns: OWN,
				path: null,
				ifindex: 3,
				name: 'veth1',
				only: null,
				flipped: true,
				of: { netns: WEB, ifindex: 2, name: 'eth0' },
				expression: 'container:web/eth0',
				why: "the host's end of eth0 in netns web: what that one sends is received here",
			},
		]);
	});
	test('a macvlan is tapped inside: the host has no end of it', () => {
		const [source] = resolve('container:db/eth0').sources;
		expect(source).toMatchObject({
			netns: MAC,
			path: '/proc/77/ns/net',
			ifindex: 2,
			flipped: false,
			of: null,
		});
		expect(source?.why).toMatch(/macvlan/);
	});
	test('unknown: the running ones are named', () => {
		expect(codeOf(() => resolve('container:cache'))).toBe('unknown_container');
		expect(hintOf('container:cache')).toMatch(/web \(4f5e4f5e4f5e\), db/);
	});
	test('no container anywhere', () => {
		const call = () => resolveSources(['container:web'], host, processes());
		expect(codeOf(call)).toBe('no_container_runtime');
	});
	test('a prefix of two', () => {
		const other = { ...db, names: ['website'] };
		const two = processes({}, [web, other]);
		expect(codeOf(() => resolveSources(['container:we'], host, two))).toBe('ambiguous_source');
		expect(resolveSources(['container:web/eth0'], host, two).sources[0]?.name).toBe('veth1');
	});
	test('the containers of a pod are one place', () => {
		const pod = processes({}, [web, { ...db, names: ['web-sidecar'], netns: WEB }]);
		expect(resolveSources(['container:we/eth0'], host, pod).sources[0]?.name).toBe('veth1');
	});
	test('on the network of the host', () => {
		expect(codeOf(() => resolve('container:agent'))).toBe('shares_host_network');
	});
	test('an interface that it does not have: what it has instead', () => {
		expect(codeOf(() => resolve('container:web/eth2'))).toBe('unknown_interface');
		expect(hintOf('container:web/eth2')).toMatch(/netns web.*did you mean eth0 or eth1/);
	});
});

describe('a process', () => {
	test('is tapped as its namespace is', () => {
		expect(names('pid:4242/eth1')).toEqual(['veth2']);
	});
	test('of a virtual machine: the TAP that it holds, turned round', () => {
		expect(resolve('pid:6').sources).toMatchObject([{ name: 'tap0', flipped: true, of: null }]);
	});
	test('in this namespace', () => {
		expect(codeOf(() => resolve('pid:5'))).toBe('shares_host_network');
		expect(names('pid:5/up1')).toEqual(['up1']);
	});
	test('that has ended', () => {
		expect(codeOf(() => resolve('pid:1234'))).toBe('no_such_process');
	});
	test('in a namespace that may not be looked into', () => {
		expect(codeOf(() => resolve('pid:9'))).toBe('netns_denied');
	});
});

describe('a namespace', () => {
	test('by name', () => {
		expect(names('netns:web/eth0')).toEqual(['veth1']);
		expect(names('netns:web')).toEqual(['veth1', 'veth2']);
	});
	test('loopback, when it is asked for, inside', () => {
		expect(resolve('netns:web/lo').sources[0]).toMatchObject({ netns: WEB, name: 'lo' });
	});
	test('in a container in a container: inside, the host has no end', () => {
		expect(resolve('netns:ns400/eth0').sources[0]).toMatchObject({ netns: NESTED, flipped: false });
	});
	test('unknown', () => {
		expect(codeOf(() => resolve('netns:wen'))).toBe('unknown_netns');
		expect(hintOf('netns:wen')).toMatch(/did you mean web/);
		expect(hintOf('netns:production')).toMatch(/named are web/);
	});
	test('that may not be looked into', () => {
		expect(codeOf(() => resolve('netns:secret/eth0'))).toBe('netns_denied');
	});
});

describe('a bridge', () => {
	test('is all its ports, received frames only', () => {
		const { sources, notices } = resolve('bridge:br0');
		expect(sources.map(({ name, only }) => [name, only])).toEqual([
			['veth1', 'rx'],
			['veth2', 'rx'],
			['up0', 'rx'],
		]);
		expect(notices).toEqual([]);
	});
	test('its ports one by one: frames from one to the other are copied twice', () => {
		const { notices } = resolve('veth1', 'container:web/eth1');
		expect(notices.map((notice) => notice.code)).toEqual(['ports_of_one_bridge']);
		expect(notices[0]?.message).toMatch(/veth1, veth2 .*bridge:br0/);
	});
	test('with one of its ports named as well: that one in both directions', () => {
		expect(taps('both', 'bridge:br0', 'veth2')).toEqual([
			'veth1 rx',
			'veth2 rx',
			'up0 rx',
			'veth2 tx',
		]);
	});
	test.each([
		['bridge:br9', 'unknown_interface'],
		['bridge:up1', 'not_a_bridge'],
		['bridge:br1', 'no_match'],
	])('%s: %s', (text, code) => {
		expect(codeOf(() => resolve(text))).toBe(code);
	});
});

describe('an interface', () => {
	test('by name and by pattern', () => {
		expect(names('up1')).toEqual(['up1']);
		expect(names('veth*', 'up?')).toEqual(['veth1', 'veth2', 'up0', 'up1']);
		expect(resolve('up1').sources[0]).toMatchObject({ only: null, flipped: false, why: 'named' });
	});
	test('named twice is tapped once', () => {
		expect(names('veth1', 'veth*')).toEqual(['veth1', 'veth2']);
		expect(taps('both', 'veth1', 'veth*', 'container:web')).toHaveLength(4);
	});
	test('a VLAN and its parent: a notice', () => {
		const { notices } = resolve('up1', 'up1.10');
		expect(notices).toEqual([
			{
				code: 'stacked_sources',
				message: 'frames of up1.10 pass up1 as well, and are copied at both',
			},
		]);
	});
	test('a pattern that matches nothing says what is there', () => {
		expect(codeOf(() => resolve('wlan*'))).toBe('no_match');
		expect(hintOf('wlan*')).toMatch(/lo, br0, veth1/);
	});
	test('a name that does not exist', () => {
		expect(codeOf(() => resolve('veth9'))).toBe('unknown_interface');
	});
});

describe('an address', () => {
	test('of a container', () => {
		expect(names('ip:10.88.1.2')).toEqual(['veth1']);
		expect(names('mac:02:42:00:00:00:02')).toEqual(['veth1']);
	});
	test('that a bridge has from a port, and a VLAN from its parent: the lower one', () => {
		expect(names('mac:02:00:00:00:00:aa')).toEqual(['up0']);
		expect(names('mac:02:00:00:00:00:ab')).toEqual(['up1']);
	});
	test("of a guest: libvirt's TAP has it with fe in front", () => {
		expect(names('mac:52:54:00:00:00:01')).toEqual(['tap0']);
	});
	test('that nobody has, or several', () => {
		expect(codeOf(() => resolve('ip:10.88.1.3'))).toBe('no_match');
		expect(codeOf(() => resolve('mac:02:00:00:00:00:01'))).toBe('ambiguous_source');
		expect(hintOf('mac:02:00:00:00:00:01')).toMatch(/veth1, .* in netns web/);
	});
});

describe('directions are those of what was named', () => {
	test.each([
		['up1', 'both', ['up1 rx', 'up1 tx']],
		['up1', 'rx', ['up1 rx']],
		['container:web/eth0', 'rx', ['veth1 tx']],
		['container:web/eth0', 'tx', ['veth1 rx']],
		['pid:6', 'tx', ['tap0 rx']],
		['container:db/eth0', 'tx', ['eth0 tx']],
		['bridge:br0', 'both', ['veth1 rx', 'veth2 rx', 'up0 rx']],
		['bridge:br0', 'tx', []],
	] as const)('%s %s', (text, direction, expected) => {
		expect(taps(direction, text)).toEqual(expected);
	});
	test('the two ends of a pair want different ones', () => {
		expect(taps('rx', 'veth1', 'container:web/eth0')).toEqual(['veth1 rx', 'veth1 tx']);
	});
});
