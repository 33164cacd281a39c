import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { DataSource } from '../../../src/sflow/data-source.ts';
import { DATAGRAM_MOST, type Datagram, DatagramAssembler } from '../../../src/sflow/datagram.ts';
import { writeFlowSample } from '../../../src/sflow/flow-sample.ts';
import { decode, flowSample, flows, TUNNEL } from '../../harness/sflow.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const FORMAT = { expanded: false, headerBytes: 1024, internalPort: 'internal' } as const;

function assembler(send: (datagram: Datagram) => void, agent = Uint8Array.of(192, 0, 2, 1)) {
	return new DatagramAssembler({ agent, subAgent: 77, uptimeMs: () => 123_456, send });
}

function add(to: DatagramAssembler, source: DataSource, headerBytes: number): void {
	const sample = flowSample({ header: Buffer.alloc(headerBytes, 0x5a) });
	to.add((xdr) => writeFlowSample(xdr, sample, source, FORMAT), source);
}

test('a datagram goes out when the next sample does not fit, and samples are never split', () => {
	const sent: string[] = [];
	const source = new DataSource(0, 1);
	const to = assembler(({ bytes }) => void sent.push(bytes.toString('hex')));
	const sizes = Array.from({ length: 200 }, (_, i) => 64 + ((i * 37) % 961));
	for (const size of sizes) add(to, source, size);
	to.flush();
	const datagrams = decode(sent);
	expect(datagrams.length).toBeGreaterThan(50);
	expect(datagrams.map(({ sequence }) => sequence)).toEqual(sent.map((_, i) => i + 1));
	const out = flows(datagrams);
	expect(out.map(({ sequence }) => sequence)).toEqual(sizes.map((_, i) => i + 1));
	const lengths = out.map(
		({ records }) => String(records['sampled_header']?.['header']).length / 2,
	);
	expect(lengths).toEqual(sizes);
	for (const [i, { length, ...datagram }] of datagrams.entries()) {
		expect(length).toBeLessThanOrEqual(DATAGRAM_MOST);
		expect(datagram).toMatchObject({ agent: '192.0.2.1', sub_agent: 77, uptime: 123_456 });
		// The first sample of the next one had no room any more.
		const next = datagrams[i + 1];
		const first = next && flows([next])[0]?.records['sampled_header']?.['header'];
		const padded = Math.ceil(String(first).length / 8) * 4;
		if (first) expect(length + 80 + padded).toBeGreaterThan(DATAGRAM_MOST);
	}
});

test('the largest sample fits, also with an IPv6 address', () => {
	const sent: string[] = [];
	const to = assembler(({ bytes }) => void sent.push(bytes.toString('hex')), new Uint8Array(16));
	const sample = flowSample({
		header: Buffer.alloc(2000, 0x5a),
		vlan: { sourceVlan: 1, sourcePriority: 2, destinationVlan: 3, destinationPriority: 4 },
		router: { nextHop: new Uint8Array(16), sourceMask: 64, destinationMask: 64 },
		tunnel: TUNNEL,
	});
	const source = new DataSource(0, 1);
	for (let i = 0; i < 3; i++)
		to.add((xdr) => writeFlowSample(xdr, sample, source, { ...FORMAT, expanded: true }), source);
	to.flush();
	const datagrams = decode(sent);
	expect(datagrams).toHaveLength(3);
	for (const { length } of datagrams) expect(length).toBeLessThanOrEqual(DATAGRAM_MOST);
});

test('a sample waits for at most a second', () => {
	const sent: number[] = [];
	const source = new DataSource(0, 1);
	const to = assembler((datagram) => void sent.push(datagram.samples));
	vi.advanceTimersByTime(5000);
	expect(sent).toEqual([]);
	add(to, source, 100);
	vi.advanceTimersByTime(600);
	add(to, source, 100);
	vi.advanceTimersByTime(399);
	expect(sent).toEqual([]);
	vi.advanceTimersByTime(1);
	expect(sent).toEqual([2]);
	vi.advanceTimersByTime(5000);
	expect(sent).toEqual([2]);
	add(to, source, 100);
	vi.advanceTimersByTime(1000);
	expect(sent).toEqual([2, 1]);
});

test('what is lost is counted once, at the sources of the samples', () => {
	const [one, two] = [new DataSource(0, 1), new DataSource(0, 2)];
	const to = assembler((datagram) => {
		datagram.countLost();
		datagram.countLost();
	});
	add(to, one, 100);
	add(to, one, 100);
	add(to, two, 100);
	to.flush();
	expect([one.dropped, two.dropped]).toEqual([2, 1]);
	add(to, two, 100);
	to.flush();
	expect([one.dropped, two.dropped]).toEqual([2, 2]);
});

test('memory that a sender still holds is not used again', () => {
	const held: Datagram[] = [];
	const source = new DataSource(0, 1);
	const to = assembler((datagram) => {
		datagram.hold();
		held.push(datagram);
	});
	for (let i = 0; i < 50; i++) {
		add(to, source, 64 + i);
		to.flush();
	}
	const all = flows(decode(held.map(({ bytes }) => bytes.toString('hex'))));
	expect(all.map(({ sequence }) => sequence)).toEqual(held.map((_, i) => i + 1));
	for (const datagram of held) datagram.release();
	const memory = new Set(held.map(({ xdr }) => xdr.bytes));
	add(to, source, 64);
	to.flush();
	add(to, source, 64);
	to.flush();
	expect(memory.has((held.at(-1) as Datagram).xdr.bytes)).toBe(true);
});

test('another agent address, from the next datagram on', () => {
	const sent: string[] = [];
	const source = new DataSource(0, 1);
	const to = assembler(({ bytes }) => void sent.push(bytes.toString('hex')));
	add(to, source, 64);
	to.setAgent(Buffer.from('20010db8000000000000000000000001', 'hex'));
	add(to, source, 64);
	to.flush();
	expect(decode(sent).map(({ agent, sequence }) => [agent, sequence])).toEqual([
		['192.0.2.1', 1],
		['2001:db8::1', 2],
	]);
});
