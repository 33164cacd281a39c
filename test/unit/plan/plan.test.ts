import { describe, expect, test } from 'vitest';
import { type Host, planCapture, planMirror } from '../../../src/plan/plan.ts';
import { codeOf } from '../../harness/errors.ts';
import { link, noTopology } from '../../harness/links.ts';

const HOST: Host = {
	netns: 4_026_531_840,
	cpus: 4,
	route: () => null,
	topology: noTopology,
	links: [
		link('eth0', 2),
		link('eth1', 3, { mtu: 9000 }),
		link('ids0', 4),
		link('down0', 5, { flags: 0 }),
		link('tun0', 6, { arpType: 65_534 }),
		link('wlan0', 7, { arpType: 801 }),
		link('gre1', 8, { arpType: 778, flags: 1 }),
		link('gre2', 9, { arpType: 778, flags: 1 | 16 }),
		link('gre3', 10, { arpType: 823, flags: 1 | 2 | 16 }),
	],
};

test('both directions of every source, each a tap', () => {
	const plan = planMirror({ sources: ['eth0', 'eth1'], to: 'port:ids0' }, HOST);
	expect(
		plan.taps.map((tap) => [tap.index, tap.source, tap.ifindex, tap.direction, tap.hook]),
	).toEqual([
		[0, 'eth0', 2, 'rx', 'tcx'],
		[1, 'eth0', 2, 'tx', 'tcx'],
		[2, 'eth1', 3, 'rx', 'tcx'],
		[3, 'eth1', 3, 'tx', 'tcx'],
	]);
	expect(plan).toMatchObject({
		name: 'eth0+eth1',
		netns: HOST.netns,
		rings: null,
		destination: { type: 'port', interface: 'ids0', ifindex: 4 },
	});
});

test('packets without an Ethernet header get one on the way through a mirror port', () => {
	const { destination, taps } = planMirror(
		{ sources: ['eth0', 'tun0', 'gre2'], to: 'port:ids0', direction: 'rx' },
		HOST,
	);
	expect(taps.map((tap) => tap.link)).toEqual(['ethernet', 'raw', 'raw']);
	expect(destination).toMatchObject({
		type: 'mirror-port',
		interface: { name: 'ids0', ifindex: 4 },
		port: { snaplen: null, overhead: 0, largestFrame: 1518 },
	});
});

test('a source named twice is tapped once', () => {
	const plan = planCapture({ sources: ['eth0', 'eth0'], direction: 'rx' }, HOST);
	expect(plan.taps).toHaveLength(1);
});

test('a plan is plain data', () => {
	const plan = planCapture({ sources: ['eth0'], write: { path: 'x' } }, HOST);
	expect(JSON.parse(JSON.stringify(plan))).toEqual(plan);
});

test.each([
	[undefined, 16 * 2 ** 20],
	[64 * 2 ** 20, 16 * 2 ** 20],
	[100 * 2 ** 20, 16 * 2 ** 20],
	[8192, 4096],
	[4096, 4096],
])('a buffer of %s bytes gives 4 rings of %d', (bufferBytes, bytes) => {
	const spec = bufferBytes === undefined ? {} : { bufferBytes };
	expect(planCapture({ sources: ['eth0'], ...spec }, HOST).rings).toMatchObject({
		count: 4,
		bytes,
	});
});

test('XDP takes what is received, tcx what is sent', () => {
	const plan = planCapture({ sources: ['eth0'], hook: 'xdp' }, HOST);
	expect(plan.taps.map((tap) => [tap.direction, tap.hook])).toEqual([
		['rx', 'xdp'],
		['tx', 'tcx'],
	]);
	expect(plan.notices.map((notice) => notice.code)).toContain('xdp_is_receive_only');
});

test('a port with a smaller MTU is worth a notice', () => {
	const plan = planMirror({ sources: ['eth1'], to: 'port:ids0' }, HOST);
	expect(plan.notices.map((notice) => notice.code)).toEqual(['mtu_too_small']);
});

describe('what cannot work is refused', () => {
	const to = 'port:ids0';
	test.each([
		['unknown_interface', () => planMirror({ sources: ['eth9'], to }, HOST)],
		['unknown_interface', () => planMirror({ sources: ['eth0'], to: 'port:nope' }, HOST)],
		['destination_is_source', () => planMirror({ sources: ['eth0', 'ids0'], to }, HOST)],
		['destination_down', () => planMirror({ sources: ['eth0'], to: 'port:down0' }, HOST)],
		['xdp_cannot_clone', () => planMirror({ sources: ['eth0'], to, hook: 'xdp' }, HOST)],
		['not_ethernet', () => planMirror({ sources: ['wlan0'], to }, HOST)],
		['not_ethernet', () => planCapture({ sources: ['wlan0'] }, HOST)],
		['gre_without_remote', () => planMirror({ sources: ['gre1'], to }, HOST)],
		['gre_without_remote', () => planMirror({ sources: ['gre2', 'gre3'], to }, HOST)],
	])('%s', (code, call) => expect(codeOf(call)).toBe(code));
});

test('a source that is down is only worth a notice', () => {
	const plan = planCapture({ sources: ['down0'] }, HOST);
	expect(plan.notices.map((notice) => notice.code)).toEqual(['source_down']);
});
