import { describe, expect, test, vi } from 'vitest';
import type { NativeLinkKind } from '../../../src/native.ts';
import { INTERNAL_PORT, UNKNOWN_PORT } from '../../../src/sflow/ports.ts';
import type { FlowSample, TunnelEnd } from '../../../src/sflow/sample.ts';
import { Tunnels } from '../../../src/sflow/tunnels.ts';
import { ethernet, type Tag, udp6Frame, udpFrame } from '../../harness/frames.ts';
import { link } from '../../harness/links.ts';
import { flowSample } from '../../harness/sflow.ts';

const OWN = '192.0.2.1';
const PEER = '192.0.2.9';
const OTHER = '192.0.2.77';
const OWN6 = 'fd00::1';
const PEER6 = 'fd00::9';

const hex = (text: string): Buffer => Buffer.from(text.replace(/\s/g, ''), 'hex');

/** fd00::N or dotted. */
const address = (text: string): Buffer =>
	text.includes(':')
		? hex(`fd${'0'.repeat(28)}0${text.at(-1)}`)
		: Buffer.from(text.split('.').map(Number));

interface Outer {
	from?: string;
	to?: string;
	tags?: Tag[];
	/** Of the IPv4 header, in words. */
	options?: number;
	fragment?: number;
}

const INNER: Buffer = udpFrame(80);
const PACKET = INNER.subarray(14);

function ip4(protocol: number, payload: Buffer, { from = PEER, to = OWN, ...outer }: Outer = {}) {
	const header = Buffer.alloc(20 + (outer.options ?? 0) * 4);
	header[0] = 0x40 | (header.length / 4);
	header.writeUInt16BE(outer.fragment ?? 0x4000, 6);
	header[9] = protocol;
	address(from).copy(header, 12);
	address(to).copy(header, 16);
	return ethernet({ type: 0x0800, tags: outer.tags ?? [] }, Buffer.concat([header, payload]));
}

/** @param before extension headers, the last of which names the protocol */
function ip6(
	protocol: number,
	payload: Buffer,
	before: Buffer = Buffer.alloc(0),
	from = PEER6,
	to = OWN6,
) {
	const header = Buffer.alloc(40);
	header[0] = 0x60;
	header[6] = protocol;
	address(from).copy(header, 8);
	address(to).copy(header, 24);
	return ethernet({ type: 0x86dd }, Buffer.concat([header, before, payload]));
}

function udp(port: number, payload: Buffer): Buffer {
	const header = hex('c000 0000 0000 0000');
	header.writeUInt16BE(port, 2);
	return Buffer.concat([header, payload]);
}

const vni24 = (vni: number): string => vni.toString(16).padStart(6, '0');
const vxlan = (vni: number, port = 4789, flags = '08'): Buffer =>
	udp(port, Buffer.concat([hex(`${flags}000000 ${vni24(vni)}00`), INNER]));
const geneve = (vni: number, options = ''): Buffer =>
	udp(6081, Buffer.concat([hex(`0${options.length / 8}006558 ${vni24(vni)}00 ${options}`), INNER]));
const gre = (flags: string, type: string, fields: string, inner: Buffer): Buffer =>
	Buffer.concat([hex(`${flags} ${type} ${fields}`), inner]);

/** The host's interface 1 is the uplink, 2 the tunnel device. */
function end(kind: NativeLinkKind, more: Partial<FlowSample>, flags = 1): TunnelEnd | undefined {
	const tunnels = new Tunnels(() => [link('eth0', 1), link('tunnel', 2, { ...kind, flags })]);
	return tunnels.describe(flowSample({ output: INTERNAL_PORT, ...more })).tunnel;
}

const received = (kind: NativeLinkKind, header: Buffer) => end(kind, { header });
const sent = (kind: NativeLinkKind, header: Buffer) =>
	end(kind, { header, direction: 'tx', input: INTERNAL_PORT, output: 1 });

const VXLAN = { kind: 'vxlan', vxlan: { id: 100, port: 4789, local: OWN, remote: PEER } };
const VXLAN6 = { kind: 'vxlan', vxlan: { id: 100, port: 4789, remote: PEER6 } };
const GENEVE = { kind: 'geneve', geneve: { id: 300, port: 6081, remote: PEER } };
const ENDS = { local: OWN, remote: PEER };
const ENDS6 = { local: OWN6, remote: PEER6 };
const PLAIN = { inputFlags: 0, inputKey: 0, outputFlags: 0, outputKey: 0 };
const KEYED = { inputFlags: 0x2000, inputKey: 7, outputFlags: 0x2000, outputKey: 8 };
const GRETAP = { kind: 'gretap', gre: { ...ENDS, ...KEYED } };
const GRE = { kind: 'gre', gre: { ...ENDS, ...PLAIN } };
const IP6GRE = { kind: 'ip6gre', gre: { ...ENDS6, ...PLAIN } };
const IPIP = { kind: 'ipip', ipTunnel: { ...ENDS, protocol: 4 } };
const IP6TNL = { kind: 'ip6tnl', ipTunnel: { ...ENDS6, protocol: 0 } };
const EXTERNAL = { kind: 'vxlan', vxlan: { id: 0, port: 4789, external: true } };

/** The inner header is where the inner frame begins. */
const at = (header: Buffer, inner: Buffer = INNER): number => header.indexOf(inner);

describe('received at the outer side', () => {
	const rows: [string, NativeLinkKind, Buffer, Buffer?, number?][] = [
		['VXLAN', VXLAN, ip4(17, vxlan(100)), INNER, 100],
		['VXLAN from a peer that was learned', VXLAN, ip4(17, vxlan(100), { from: OTHER }), INNER, 100],
		['VXLAN to another address', VXLAN, ip4(17, vxlan(100), { to: OTHER }), INNER, 100],
		[
			'VXLAN behind two tags',
			VXLAN,
			ip4(17, vxlan(100), { tags: [{ id: 7 }, { id: 8 }] }),
			INNER,
			100,
		],
		['VXLAN behind IP options', VXLAN, ip4(17, vxlan(100), { options: 3 }), INNER, 100],
		['VXLAN in a first fragment', VXLAN, ip4(17, vxlan(100), { fragment: 0x2000 }), INNER, 100],
		['VXLAN over IPv6', VXLAN6, ip6(17, vxlan(100)), INNER, 100],
		['any VXLAN', EXTERNAL, ip4(17, vxlan(0xfffffe)), INNER, 0xfffffe],
		['any VXLAN over IPv6', EXTERNAL, ip6(17, vxlan(5)), INNER, 5],
		['GENEVE', GENEVE, ip4(17, geneve(300)), INNER, 300],
		['GENEVE with options', GENEVE, ip4(17, geneve(300, 'ff00000100000000')), INNER, 300],
		['GRE with a key', GRETAP, ip4(47, gre('2000', '6558', '00000007', INNER)), INNER],
		[
			'GRE with all fields',
			GRETAP,
			ip4(47, gre('b000', '6558', '12340000 00000007 00000001', INNER)),
			INNER,
		],
		['GRE with IPv4', GRE, ip4(47, gre('0000', '0800', '', PACKET)), PACKET],
		[
			'GRE over IPv6 behind options',
			IP6GRE,
			ip6(60, gre('0000', '0800', '', PACKET), hex('2f00 0401 0401 0000')),
			PACKET,
		],
		['IP in IP', IPIP, ip4(4, PACKET), PACKET],
		['IP in IPv6', IP6TNL, ip6(4, PACKET), PACKET],
	];

	test.each(rows)('%s', (_, kind, header, inner = INNER, vni) => {
		expect(received(kind, header)).toEqual({
			decapsulateEgress: at(header, inner),
			...(vni === undefined ? {} : { vniIngress: vni }),
		});
	});

	const nothing: [string, NativeLinkKind, Buffer][] = [
		['another VNI', VXLAN, ip4(17, vxlan(101))],
		['another port', VXLAN, ip4(17, vxlan(100, 8472))],
		['no VNI', VXLAN, ip4(17, vxlan(100, 4789, '00'))],
		['the other family', VXLAN, ip6(17, vxlan(100))],
		['a later fragment', VXLAN, ip4(17, vxlan(100), { fragment: 1 })],
		['a fragment of IPv6', VXLAN6, ip6(44, vxlan(100), hex('1100 0001 00000000'))],
		['GENEVE of another peer', GENEVE, ip4(17, geneve(300), { from: OTHER })],
		['GENEVE of a later version', GENEVE, ip4(17, udp(6081, hex('40006558 00012c00 0000')))],
		['another key', GRETAP, ip4(47, gre('2000', '6558', '00000008', INNER))],
		['no key', GRETAP, ip4(47, gre('0000', '6558', '', INNER))],
		[
			'GRE with IP for a device with Ethernet',
			GRETAP,
			ip4(47, gre('2000', '0800', '00000007', PACKET)),
		],
		['PPTP', GRE, ip4(47, gre('0001', '0800', '', PACKET))],
		['ERSPAN', GRE, ip4(47, gre('0000', '88be', '', INNER))],
		['another peer', GRE, ip4(47, gre('0000', '0800', '', PACKET), { from: OTHER })],
		['another address', IPIP, ip4(4, PACKET, { to: OTHER })],
		['IPv6 in IPv4', IPIP, ip4(41, udp6Frame().subarray(14))],
		['FOU', { kind: 'ipip', ipTunnel: { ...ENDS, protocol: 4, encapsulation: 1 } }, ip4(4, PACKET)],
		['no tunnel', VXLAN, INNER],
		['no IP', VXLAN, ethernet({ type: 0x88b5 }, Buffer.alloc(60))],
		['nothing behind the outer headers', VXLAN, ip4(17, vxlan(100)).subarray(0, 50)],
		['too short', VXLAN, ip4(17, vxlan(100)).subarray(0, 20)],
	];

	test.each(nothing)('%s: nothing', (_, kind, header) => {
		expect(received(kind, header)).toBeUndefined();
	});

	const frame = ip4(17, vxlan(100));

	test('that the host does not keep: nothing', () => {
		for (const output of [UNKNOWN_PORT, 3])
			expect(end(VXLAN, { header: frame, output })).toBeUndefined();
	});

	test('by a device that is down, or whose outer side is elsewhere: nothing', () => {
		expect(end(VXLAN, { header: frame }, 0)).toBeUndefined();
		const tunnels = new Tunnels(() => [link('vx', 2, { ...VXLAN, linkNetnsid: 0 })]);
		const sample = flowSample({ output: INTERNAL_PORT, header: frame });
		expect(tunnels.describe(sample).tunnel).toBeUndefined();
	});
});

describe('sent at the outer side', () => {
	const back = { from: OWN, to: PEER };

	test('addresses and keys are those of the other direction', () => {
		const keyed = ip4(47, gre('2000', '6558', '00000008', INNER), back);
		expect(sent(GRETAP, keyed)).toEqual({ decapsulateIngress: at(keyed) });
		const frame = ip4(17, vxlan(100), { from: OWN, to: OTHER });
		expect(sent(VXLAN, frame)).toEqual({ decapsulateIngress: at(frame), vniEgress: 100 });
		const other = ip4(17, geneve(300), { from: OTHER, to: PEER });
		expect(sent(GENEVE, other)).toEqual({ decapsulateIngress: at(other), vniEgress: 300 });
	});

	test('from an address that is not the device’s: nothing', () => {
		expect(sent(VXLAN, ip4(17, vxlan(100), { from: OTHER }))).toBeUndefined();
	});

	test('what is only forwarded: nothing', () => {
		const header = ip4(17, vxlan(100), back);
		expect(end(VXLAN, { header, direction: 'tx', input: 3, output: 1 })).toBeUndefined();
	});
});

describe('at the tunnel device', () => {
	const rx = { source: 2, input: 2, output: UNKNOWN_PORT };
	const tx = { source: 2, input: 3, output: 2, direction: 'tx' } as const;

	test('the VNI, unless it comes with each packet', () => {
		for (const [kind, vni] of [
			[VXLAN, 100],
			[GENEVE, 300],
		] as const) {
			expect(end(kind, rx)).toEqual({ vniIngress: vni });
			expect(end(kind, tx)).toEqual({ vniEgress: vni });
		}
		expect(end(EXTERNAL, rx)).toBeUndefined();
	});

	const TAGGED = udpFrame(80, { tags: [{ id: 7 }] });
	const classed = (tos: number, frame = INNER): Buffer => {
		const header = Buffer.from(frame);
		header[header.length - PACKET.length + 1] = tos;
		return header;
	};

	test('the outer header of a tunnel with two fixed ends', () => {
		expect(end(GRETAP, rx)).toBeUndefined();
		const bytes = (text: string) => Uint8Array.from(address(text));
		const outer = { source: bytes(OWN), destination: bytes(PEER) };
		expect(end(GRETAP, tx)).toEqual({
			ipv4Egress: { ...outer, protocol: 47, overhead: 20 + 8, tos: 0 },
		});
		const packet = { ...tx, protocol: 'ipv4', header: PACKET } as const;
		expect(end(IPIP, packet)).toEqual({
			ipv4Egress: { ...outer, protocol: 4, overhead: 20, tos: 0 },
		});
		const packet6 = { ...tx, protocol: 'ipv6', header: udp6Frame().subarray(14) } as const;
		const any = (kind: string) => end({ kind, ipTunnel: { ...ENDS, protocol: 0 } }, packet6);
		expect(any('sit')?.ipv4Egress).toMatchObject({ protocol: 41, overhead: 20 });
		// It drops IPv6.
		expect(any('ipip')).toBeUndefined();
	});

	test.each([
		{ what: 'fixed, and ECN of the packet', tos: 0x48, inner: 0x29, outer: 0x49 },
		{ what: 'congestion is not copied', tos: 0, inner: 0x03, outer: 0x02 },
		{ what: 'that of the packet', tos: 1, inner: 0x2a, outer: 0x2a },
		{ what: 'that of the packet, congested', tos: 1, inner: 0x2b, outer: 0x2a },
	])('class: $what', ({ tos, inner, outer }) => {
		for (const frame of [INNER, TAGGED]) {
			const kind = { kind: 'gretap', gre: { ...ENDS, ...PLAIN, tos } };
			const found = end(kind, { ...tx, header: classed(inner, frame) });
			expect(found?.ipv4Egress?.tos).toBe(outer);
		}
	});

	test('class, of what is not IP', () => {
		const header = ethernet({ type: 0x88b5 }, Buffer.alloc(50, 0xff));
		for (const [tos, outer] of [
			[0x48, 0x48],
			[1, 0],
		] as const) {
			const kind = { kind: 'gretap', gre: { ...ENDS, ...PLAIN, tos } };
			expect(end(kind, { ...tx, header })?.ipv4Egress?.tos).toBe(outer);
		}
	});

	test('with an end that is not fixed, or over IPv6: nothing', () => {
		for (const ends of [{ local: OWN }, { remote: PEER }])
			expect(end({ kind: 'gretap', gre: { ...ends, ...PLAIN } }, tx)).toBeUndefined();
		expect(end(IP6GRE, tx)).toBeUndefined();
	});

	test('a tunnel in a tunnel: what the header says comes first', () => {
		const header = ip4(17, vxlan(101));
		const tunnels = new Tunnels(() => [
			link('outer', 2, VXLAN),
			link('inner', 3, { kind: 'vxlan', vxlan: { id: 101, port: 4789 } }),
		]);
		const sample = flowSample({ ...rx, output: INTERNAL_PORT, header });
		expect(tunnels.describe(sample).tunnel).toEqual({
			decapsulateEgress: at(header),
			vniIngress: 101,
		});
	});
});

test('interfaces are read once, and again when a sample asks after expire()', () => {
	const links = [link('eth0', 1)];
	const read = vi.fn(() => links);
	const tunnels = new Tunnels(read);
	const rx = (): FlowSample => tunnels.describe(flowSample({ source: 2, input: 2 }));
	expect(read).not.toHaveBeenCalled();
	for (let i = 0; i < 3; i++) expect(rx().tunnel).toBeUndefined();
	expect(read).toHaveBeenCalledTimes(1);
	links.push(link('vx', 2, VXLAN));
	expect(rx().tunnel).toBeUndefined();
	tunnels.expire();
	expect(read).toHaveBeenCalledTimes(1);
	for (let i = 0; i < 3; i++) expect(rx().tunnel).toEqual({ vniIngress: 100 });
	expect(read).toHaveBeenCalledTimes(2);
	links.pop();
	tunnels.expire();
	expect(rx().tunnel).toBeUndefined();
});
