/** The way to the collector and what fits, with the kernel's answers made up. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { NativeRoute } from '../../../src/native.ts';
import type { MirrorPortPlan } from '../../../src/plan/mirror-port.ts';
import { type Host, type MirrorPlan, type Plan, planMirror } from '../../../src/plan/plan.ts';
import type { Destination, TunnelDestination } from '../../../src/spec/destination.ts';
import { overhead } from '../../harness/encapsulations.ts';
import { codeOf } from '../../harness/errors.ts';
import { link, noTopology } from '../../harness/links.ts';

const UNICAST = 1;
const LOCAL = 2;
const BROADCAST = 3;
const BLACKHOLE = 6;

const COLLECTOR = '192.0.2.9';
const GRE: TunnelDestination = { type: 'gre', address: COLLECTOR };

const LINKS = [
	link('eth0', 2),
	link('jumbo0', 3, { mtu: 9000 }),
	link('up0', 4, { mtu: 1600 }),
	link('down0', 5, { flags: 0 }),
	link('tun0', 6, { arpType: 65_534 }),
	link('lo', 1, { arpType: 772, mtu: 65_536 }),
];

interface Asked {
	address: Uint8Array;
	source: Uint8Array | null;
}

/** A host whose routing table has one answer; what it was asked is kept. */
function hostWith(answer: NativeRoute | null, asked: Asked[] = []): Host {
	return {
		netns: 1,
		cpus: 1,
		links: LINKS,
		route(address, source) {
			asked.push({ address, source });
			return answer;
		},
		topology: noTopology,
	};
}

const UP0: NativeRoute = { type: UNICAST, ifindex: 4, source: Uint8Array.of(192, 0, 2, 1) };

interface Planned {
	plan: Plan;
	destination: MirrorPlan;
	port: MirrorPortPlan;
	notices: string[];
}

function planned(to: Destination, host: Host, sources = ['eth0'], snaplen?: number): Planned {
	const plan = planMirror({ sources, to, ...(snaplen === undefined ? {} : { snaplen }) }, host);
	const destination = plan.destination as MirrorPlan;
	expect(destination.type).toBe('mirror-port');
	const notices = plan.notices.map((notice) => notice.code);
	return { plan, destination, port: destination.port, notices };
}

describe('the route', () => {
	test('is what the kernel says', () => {
		const asked: Asked[] = [];
		const host = hostWith({ ...UP0, gateway: Uint8Array.of(192, 0, 2, 254), mtu: 1400 }, asked);
		const { destination, port } = planned(GRE, host);
		expect(destination).toMatchObject({ to: GRE, interface: null });
		expect(port).toMatchObject({
			mtu: null,
			oversize: 'truncate',
			snaplen: null,
			route: {
				uplink: 'up0',
				ifindex: 4,
				source: '192.0.2.1',
				gateway: '192.0.2.254',
				mtu: 1400,
			},
		});
		expect(asked[0]).toEqual({ address: Uint8Array.of(192, 0, 2, 9), source: null });
	});

	test('has the MTU of its uplink when it has none of its own', () => {
		expect(planned(GRE, hostWith(UP0)).port.route).toMatchObject({ mtu: 1600, gateway: null });
		expect(planned(GRE, hostWith({ ...UP0, mtu: 0 })).port.route?.mtu).toBe(1600);
	});

	test('is asked for in the name of a source address', () => {
		const asked: Asked[] = [];
		const sourceAddress = '192.0.2.7';
		const { port } = planned({ ...GRE, sourceAddress }, hostWith(UP0, asked));
		expect(asked[0]?.source).toEqual(Uint8Array.of(192, 0, 2, 7));
		expect(port.route?.source).toBe(sourceAddress);
	});

	test('over IPv6', () => {
		const asked: Asked[] = [];
		const source = Uint8Array.of(0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1);
		const to: TunnelDestination = { type: 'vxlan', vni: 1, address: '2001:DB8:0::9' };
		const { port } = planned(to, hostWith({ ...UP0, source }, asked));
		expect(port.route?.source).toBe('2001:db8::1');
		expect(asked[0]?.address).toHaveLength(16);
	});

	test.each([
		['no answer', null],
		['an uplink that is gone', { ...UP0, ifindex: 99 }],
	])('%s: a notice, and a plan without', (_, answer) => {
		const { port, notices } = planned(GRE, hostWith(answer));
		expect(port).toMatchObject({ route: null, largestFrame: null });
		expect(notices).toEqual(['no_route']);
	});

	test('an uplink that is down: a notice', () => {
		const { notices } = planned(GRE, hostWith({ ...UP0, ifindex: 5, mtu: 9000 }));
		expect(notices).toEqual(['uplink_down']);
	});

	test.each([
		['local', LOCAL, 'destination_is_local'],
		['broadcast', BROADCAST, 'destination_is_local'],
		['blackhole', BLACKHOLE, 'destination_is_local'],
	])('a %s one is refused', (_, type, code) => {
		expect(codeOf(() => planned(GRE, hostWith({ ...UP0, type })))).toBe(code);
	});

	test('an uplink without an Ethernet header is refused', () => {
		const host = hostWith({ ...UP0, ifindex: 6 });
		expect(codeOf(() => planned(GRE, host))).toBe('uplink_not_ethernet');
	});

	test('an uplink may be a source; its veth peer may not', () => {
		expect(() => planned(GRE, hostWith(UP0), ['up0'])).not.toThrow();
		const pair = [
			link('a', 10, { kind: 'veth', link: 11 }),
			link('b', 11, { kind: 'veth', link: 10 }),
		];
		const host = { ...hostWith({ ...UP0, ifindex: 11 }), links: [...LINKS, ...pair] };
		expect(codeOf(() => planned(GRE, host, ['a']))).toBe('uplink_is_peer');
	});
});

const tunnel: fc.Arbitrary<TunnelDestination> = fc
	.tuple(fc.constantFrom('192.0.2.9', '2001:db8::9'), fc.nat(6))
	.map(([address, which]) => {
		const all: TunnelDestination[] = [
			{ type: 'gre', address },
			{ type: 'gre', address, key: 7, sequence: true },
			{ type: 'erspan', version: 1, address },
			{ type: 'erspan', session: 1, address },
			{ type: 'erspan', version: 3, session: 1, address },
			{ type: 'vxlan', vni: 1, address },
			{ type: 'geneve', vni: 1, meta: true, address },
		];
		return all[which] as TunnelDestination;
	});

const sourceSets = fc.constantFrom<string[][]>(
	['eth0'],
	['jumbo0'],
	['eth0', 'jumbo0'],
	['eth0', 'lo'],
);
const longestOf = (sources: string[]) => (sources.includes('jumbo0') ? 9000 : 1500) + 14 + 4;

/** The plan on a way with this MTU, by the route or by the user's word. */
function onMtu(to: Destination, mtu: number, byRoute: boolean, sources: string[]): Planned {
	if (byRoute) return planned(to, hostWith({ ...UP0, mtu }), sources);
	return planned({ ...to, mtu } as Destination, hostWith({ ...UP0, mtu: 65_535 }), sources);
}

describe('the MTU of a tunnel', () => {
	test('the largest frame fills it to the last byte', () => {
		fc.assert(
			fc.property(
				tunnel,
				fc.integer({ min: 576, max: 65_535 }),
				fc.boolean(),
				(to, mtu, byRoute) => {
					const { port } = onMtu(to, mtu, byRoute, ['eth0']);
					expect(port.overhead).toBe(overhead(to));
					expect(port.largestFrame).toBe(mtu + 14 - overhead(to));
					expect(port.mtu).toBe(byRoute ? null : mtu);
				},
			),
		);
	});

	test('the sufficient one is the smallest without a notice', () => {
		fc.assert(
			fc.property(tunnel, sourceSets, fc.boolean(), (to, sources, byRoute) => {
				const { sufficientMtu } = planned(to, hostWith(UP0), sources).port;
				expect(sufficientMtu).toBe(longestOf(sources) + overhead(to) - 14);
				expect(onMtu(to, sufficientMtu, byRoute, sources).notices).toEqual([]);
				expect(onMtu(to, sufficientMtu - 1, byRoute, sources).notices).toEqual(['mtu_too_small']);
			}),
		);
	});

	test('the notice says what happens, and how to avoid it', () => {
		const message = (to: TunnelDestination) =>
			planned(to, hostWith({ ...UP0, mtu: 1500 })).plan.notices[0]?.message;
		const to: TunnelDestination = { type: 'vxlan', vni: 1, address: COLLECTOR };
		expect(message(to)).toMatch(/more than 1464 bytes will be truncated: MTU 1500/);
		expect(message(to)).toMatch(/takes 50 bytes/);
		expect(message(to)).toMatch(/ip link set up0 mtu 1554/);
		expect(message({ ...to, oversize: 'drop' })).toMatch(/will be lost/);
	});

	test('what a snaplen cuts anyway is worth no notice', () => {
		const host = hostWith({ ...UP0, mtu: 1500 });
		const most = 1500 + 14 - overhead(GRE);
		expect(planned(GRE, host, ['eth0'], most).notices).toEqual([]);
		expect(planned(GRE, host, ['eth0'], most + 1).notices).toEqual(['mtu_too_small']);
	});

	test('with a snaplen, the one that is sufficient for it', () => {
		const snaplen = 1490;
		const { sufficientMtu } = planned(GRE, hostWith(UP0), ['jumbo0'], snaplen).port;
		const on = (mtu: number) => planned(GRE, hostWith({ ...UP0, mtu }), ['jumbo0'], snaplen);
		expect(on(sufficientMtu).notices).toEqual([]);
		expect(on(sufficientMtu - 1).notices).toEqual(['mtu_too_small']);
	});
});

const trunk = (mtu: number): Host => ({
	...hostWith(null),
	links: [...LINKS, link('trunk0', 20, { mtu })],
});

describe('an interface as the destination', () => {
	const to: Destination = { type: 'rspan', interface: 'trunk0', vlan: 900 };

	test('RSPAN: the sufficient MTU is the smallest without a notice', () => {
		fc.assert(
			fc.property(sourceSets, (sources) => {
				const { sufficientMtu } = planned(to, trunk(1500), sources).port;
				expect(planned(to, trunk(sufficientMtu), sources).notices).toEqual([]);
				expect(planned(to, trunk(sufficientMtu - 1), sources).notices).toEqual(['mtu_too_small']);
			}),
		);
	});

	test('RSPAN is planned without a question to the routing table', () => {
		const asked: Asked[] = [];
		const host = { ...hostWith(null, asked), links: trunk(1500).links };
		const { destination, port } = planned(to, host);
		expect(destination.interface).toMatchObject({ name: 'trunk0', ifindex: 20, path: null });
		expect(port).toMatchObject({ overhead: 4, mtu: 1500, route: null });
		expect(asked).toEqual([]);
	});

	test("the user's MTU comes before the interface's", () => {
		const { port } = planned({ ...to, mtu: 1400 } as Destination, trunk(1500));
		expect(port).toMatchObject({ mtu: 1400, largestFrame: 1418 });
	});

	test('a port needs a mirror port only where something is cut', () => {
		const port: Destination = { type: 'port', interface: 'trunk0' };
		const { destination, port: plan } = planned(port, trunk(1500), ['eth0'], 128);
		expect(destination.interface).toMatchObject({ name: 'trunk0', ifindex: 20, path: null });
		expect(plan).toMatchObject({ snaplen: 128, overhead: 0 });
		const whole = planMirror({ sources: ['eth0'], to: port }, trunk(1500));
		expect(whole.destination.type).toBe('port');
	});

	test.each<[string, Destination, number | undefined]>([
		['RSPAN', { type: 'rspan', interface: 'eth0', vlan: 1 }, undefined],
		['a port with a snaplen', { type: 'port', interface: 'eth0' }, 64],
	])('%s on a source is refused', (_, destination, snaplen) => {
		expect(codeOf(() => planned(destination, trunk(1500), ['eth0'], snaplen))).toBe(
			'destination_is_source',
		);
	});

	test('RSPAN through an interface that is down is refused', () => {
		const down: Destination = { type: 'rspan', interface: 'down0', vlan: 1 };
		expect(codeOf(() => planned(down, trunk(1500)))).toBe('destination_down');
	});
});

test('a plan with a mirror port is plain data', () => {
	const { plan } = planned({ ...GRE, key: 7 }, hostWith(UP0));
	expect(JSON.parse(JSON.stringify(plan))).toEqual(plan);
});
