import { describe, expect, test } from 'vitest';
import { DataSource } from '../../../src/sflow/data-source.ts';
import { DatagramAssembler } from '../../../src/sflow/datagram.ts';
import { type FlowFormat, writeFlowSample } from '../../../src/sflow/flow-sample.ts';
import { discarded, INTERNAL_PORT, multiple, UNKNOWN_PORT } from '../../../src/sflow/ports.ts';
import type { FlowSample } from '../../../src/sflow/sample.ts';
import { XdrWriter } from '../../../src/sflow/xdr.ts';
import { udp6Frame } from '../../harness/frames.ts';
import { type DecodedFlow, decode, flowSample, flows, TUNNEL } from '../../harness/sflow.ts';

const FORMAT: FlowFormat = { expanded: false, headerBytes: 128, internalPort: 'internal' };

/** Through a datagram and the decoder. */
function decoded(
	sample: FlowSample,
	format: Partial<FlowFormat> = {},
	source = new DataSource(0, sample.source),
): DecodedFlow {
	const sent: string[] = [];
	const assembler = new DatagramAssembler({
		agent: Uint8Array.of(192, 0, 2, 1),
		subAgent: 0,
		uptimeMs: () => 0,
		send: ({ bytes }) => void sent.push(bytes.toString('hex')),
	});
	assembler.add((xdr) => writeFlowSample(xdr, sample, source, { ...FORMAT, ...format }), source);
	assembler.flush();
	return flows(decode(sent))[0] as DecodedFlow;
}

test('the bytes of a compact sample', () => {
	const xdr = new XdrWriter(new Uint8Array(256));
	const sample = flowSample({
		source: 3,
		header: Buffer.from('0102030405', 'hex'),
		frameLength: 5,
	});
	writeFlowSample(xdr, sample, new DataSource(0, 3), FORMAT);
	const expected = `
		00000001 00000050
		00000001 00000003 000003e8 000010e1 00000005 00000001 00000002 00000002
		00000001 00000018 00000001 00000009 00000004 00000005 0102030405 000000
		00000413 00000008 17979cfe3d85cd15`.replace(/\s/g, '');
	expect(Buffer.from(xdr.bytes.subarray(0, xdr.at)).toString('hex')).toBe(expected);
});

test.each([false, true])('every field, expanded: %s', (expanded) => {
	const sample = flowSample({
		source: 7,
		input: 7,
		output: 9,
		vlan: { sourceVlan: 100, sourcePriority: 5, destinationVlan: 200, destinationPriority: 6 },
		router: { nextHop: Uint8Array.of(10, 0, 0, 1), sourceMask: 24, destinationMask: 16 },
		tunnel: TUNNEL,
	});
	expect(decoded(sample, { expanded })).toEqual({
		type: 'flow',
		expanded,
		sequence: 1,
		source: { class: 0, index: 7 },
		rate: 1000,
		pool: 4321,
		drops: 5,
		input: { format: 0, value: 7 },
		output: { format: 0, value: 9 },
		records: {
			sampled_header: {
				header_protocol: 1,
				frame_length: 104,
				stripped: 4,
				header: Buffer.from(sample.header).toString('hex'),
			},
			extended_switch: { src_vlan: 100, src_priority: 5, dst_vlan: 200, dst_priority: 6 },
			extended_router: { nexthop: '10.0.0.1', src_mask_len: 24, dst_mask_len: 16 },
			extended_ipv4_tunnel_egress: {
				length: 128,
				protocol: 47,
				src_ip: '192.0.2.1',
				dst_ip: '192.0.2.9',
				src_port: 0,
				dst_port: 0,
				tcp_flags: 0,
				tos: 0x28,
			},
			extended_decapsulate_egress: { inner_header_offset: 50 },
			extended_decapsulate_ingress: { inner_header_offset: 0 },
			extended_vni_egress: { vni: 0xffffff },
			extended_vni_ingress: { vni: 0 },
			// JSON.parse() rounds beyond 2^53; the bytes above have all digits.
			timestamp: { nanoseconds: 1_700_000_000_123_456_800 },
		},
	});
});

test('an IPv6 next hop', () => {
	const nextHop = Buffer.from('20010db8000000000000000000000001', 'hex');
	const router = { nextHop, sourceMask: 64, destinationMask: 48 };
	expect(decoded(flowSample({ router })).records['extended_router']).toEqual({
		nexthop: '2001:db8::1',
		src_mask_len: 64,
		dst_mask_len: 48,
	});
});

describe('sampled_header', () => {
	test('of a device without Ethernet has no FCS', () => {
		const header = udp6Frame().subarray(14);
		const sample = flowSample({ protocol: 'ipv6', header, frameLength: header.length });
		expect(decoded(sample).records['sampled_header']).toEqual({
			header_protocol: 12,
			frame_length: header.length,
			stripped: 0,
			header: header.toString('hex'),
		});
		const four = flowSample({ protocol: 'ipv4', frameLength: 1500 });
		expect(decoded(four).records['sampled_header']).toMatchObject({
			header_protocol: 11,
			frame_length: 1500,
			stripped: 0,
		});
	});

	test.each([64, 65, 66, 67])('of %d bytes of a longer frame', (headerBytes) => {
		const sample = flowSample({ frameLength: 1514 });
		expect(decoded(sample, { headerBytes }).records['sampled_header']).toMatchObject({
			frame_length: 1518,
			header: Buffer.from(sample.header.subarray(0, headerBytes)).toString('hex'),
		});
	});
});

describe('output', () => {
	test.each([
		['unknown', UNKNOWN_PORT, { format: 0, value: 0 }],
		['an interface', 12, { format: 0, value: 12 }],
		['the host itself', INTERNAL_PORT, { format: 0, value: 0x3fffffff }],
		['discarded', discarded(258), { format: 1, value: 258 }],
		['to 7 interfaces', multiple(7), { format: 2, value: 7 }],
		['to many', multiple(0), { format: 2, value: 0 }],
	])('%s', (_, output, expected) => {
		expect(decoded(flowSample({ output })).output).toEqual(expected);
		expect(decoded(flowSample({ output }), { expanded: true }).output).toEqual(expected);
	});

	test('the host itself, for collectors that do not know it', () => {
		const internalPort = 'unknown';
		const sample = flowSample({ input: INTERNAL_PORT, output: 3 });
		for (const expanded of [false, true]) {
			const { input, output } = decoded(sample, { internalPort, expanded });
			expect(input).toEqual({ format: 0, value: 0 });
			expect(output).toEqual({ format: 0, value: 3 });
		}
	});

	test('an index that only the expanded encoding can hold', () => {
		const sample = flowSample({ source: 2 ** 30, input: 2 ** 30, output: 2 ** 31 - 1 });
		expect(decoded(sample, { expanded: true })).toMatchObject({
			source: { class: 0, index: 2 ** 30 },
			input: { format: 0, value: 2 ** 30 },
			output: { format: 0, value: 2 ** 31 - 1 },
		});
	});
});

test('sequence and drops go on per source', () => {
	const source = new DataSource(0, 1);
	source.dropped = 10;
	expect(decoded(flowSample(), {}, source)).toMatchObject({ sequence: 1, drops: 15 });
	expect(decoded(flowSample({ drops: 6 }), {}, source)).toMatchObject({ sequence: 2, drops: 16 });
	expect(decoded(flowSample())).toMatchObject({ sequence: 1, drops: 5 });
});
