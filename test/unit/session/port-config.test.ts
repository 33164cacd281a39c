/** A plan as the words that the mirror port's programs read. */
import { describe, expect, test } from 'vitest';
import { Abi, Direction, PortConfigLayout } from '../../../src/abi.gen.ts';
import { encapsulate } from '../../../src/plan/encapsulation.ts';
import { type Host, type MirrorPlan, planMirror } from '../../../src/plan/plan.ts';
import { encodePortConfig, needsMarker } from '../../../src/session/port-config.ts';
import type { TunnelDestination } from '../../../src/spec/destination.ts';
import type { MirrorSpec } from '../../../src/spec/spec.ts';
import { checksum } from '../../harness/frames.ts';
import { link, noTopology } from '../../harness/links.ts';

const HOST: Host = {
	netns: 1,
	cpus: 1,
	links: [link('eth0', 2), link('jumbo0', 3, { mtu: 9000 }), link('up0', 4)],
	route: () => ({ type: 1, ifindex: 4 }),
	topology: noTopology,
};

type Field = keyof typeof PortConfigLayout.fields;

/** The words by name, and the template. */
function configOf(spec: Omit<MirrorSpec, 'sources'> & { sources?: string[] }) {
	const plan = planMirror({ sources: ['eth0'], ...spec }, HOST);
	const { to, port, interface: target } = plan.destination as MirrorPlan;
	const bytes = encodePortConfig(plan, to, port, target?.ifindex ?? 0);
	expect(bytes).toHaveLength(PortConfigLayout.size);
	const view = new DataView(bytes.buffer);
	const word = (field: Field) => view.getUint32(PortConfigLayout.fields[field].offset, true);
	const at = PortConfigLayout.fields.header.offset;
	return { word, bytes, header: bytes.subarray(at), marks: needsMarker(plan, to) };
}

const GRE: TunnelDestination = { type: 'gre', address: '192.0.2.9' };

const TUNNELS: TunnelDestination[] = (['192.0.2.9', '2001:db8::9'] as const).flatMap((address) => [
	{ type: 'gre', address, key: 7, sequence: true },
	{ type: 'erspan', version: 1, address },
	{ type: 'erspan', address, session: 10 },
	{ type: 'erspan', version: 3, address, session: 10, granularity: '100ns' },
	{ type: 'vxlan', address, vni: 1, symmetric: true },
	{ type: 'geneve', address, vni: 1, meta: true },
]);

test.each(TUNNELS)('%j: template and offsets', (to) => {
	const { word, header } = configOf({ to });
	const expected = encapsulate(to);
	expect(word('abi')).toBe(Abi.abi_version);
	expect(word('family')).toBe(expected.ipVersion === 4 ? 2 : 10);
	expect(word('header_len')).toBe(expected.header.length);
	expect(header.subarray(0, expected.header.length)).toEqual(expected.header);
	expect(header.subarray(expected.header.length).every((byte) => byte === 0)).toBe(true);
	for (const [field, value] of [
		['udp_at', expected.udpAt],
		['sequence_at', expected.sequenceAt],
		['erspan_at', expected.erspanAt],
		['erspan_version', expected.erspanVersion],
		['timestamp_unit', expected.timestampUnit],
		['meta_at', expected.metaAt],
		['symmetric', expected.symmetric ? 1 : 0],
		['remote_tag', 0],
		['uplink_ifindex', 0],
	] as const)
		expect(word(field), field).toBe(value);
});

/** The sum is of words as they lie in memory: little-endian where this runs. */
const swap = (word: number) => ((word & 0xff) << 8) | (word >> 8);
const fold = (sum: number): number => (sum > 0xffff ? fold((sum & 0xffff) + (sum >>> 16)) : sum);

test.each([undefined, '192.0.2.1'])('the sum of the IPv4 header, without source %s', (source) => {
	const to: TunnelDestination = { ...GRE, ttl: 255, dscp: 63 };
	const { word, header } = configOf({
		to: source === undefined ? to : { ...to, sourceAddress: source },
	});
	const ip = Buffer.from(header.subarray(14, 34));
	ip.fill(0, 12, 16);
	expect(swap(~fold(word('ip_sum')) & 0xffff)).toBe(checksum(ip));
	expect(word('source_is_fixed')).toBe(source === undefined ? 0 : 1);
});

test('what is cut, and what is not', () => {
	expect(configOf({ to: GRE }).word('mtu'), 'as the route says').toBe(0);
	const { word } = configOf({ to: { ...GRE, mtu: 1400, oversize: 'drop' }, snaplen: 128 });
	expect([word('mtu'), word('snaplen'), word('drop_oversize')]).toEqual([1400, 128, 1]);
});

test('oversized begins behind the longest frame of all sources', () => {
	expect(configOf({ to: GRE }).word('oversized_from')).toBe(1515);
	expect(configOf({ to: GRE, sources: ['eth0', 'jumbo0'] }).word('oversized_from')).toBe(9015);
});

test('RSPAN: a tag in network order, and where it leaves', () => {
	const { word, bytes } = configOf({
		to: { type: 'rspan', interface: 'up0', vlan: 0x384, priority: 5 },
	});
	const at = PortConfigLayout.fields.remote_tag.offset;
	expect([...bytes.subarray(at, at + 4)]).toEqual([0x81, 0x00, 0xa3, 0x84]);
	expect(word('uplink_ifindex')).toBe(4);
	expect([word('family'), word('header_len')]).toEqual([0, 0]);
});

describe('the direction', () => {
	const III: TunnelDestination = { type: 'erspan', version: 3, address: '192.0.2.9', session: 1 };
	const META: TunnelDestination = { type: 'geneve', address: '192.0.2.9', vni: 1, meta: true };

	test.each<[string, TunnelDestination, MirrorSpec['direction'], number, boolean]>([
		['III', III, 'rx', Direction.rx, false],
		['III', III, 'tx', Direction.tx, false],
		['III', III, 'both', 0, true],
		['options', META, 'tx', Direction.tx, false],
		['options', META, 'both', 0, true],
	])('%s %j, %s: constant %i, marker %s', (_, to, direction, constant, marks) => {
		const config = configOf({ to, direction: direction as 'rx' });
		expect(config.word('direction')).toBe(constant);
		expect(config.marks).toBe(marks);
	});

	test('of a format that does not say it, needs no marker', () => {
		const config = configOf({ to: GRE, direction: 'both' });
		expect(config.marks).toBe(false);
		expect(config.word('direction')).not.toBe(0);
	});
});
