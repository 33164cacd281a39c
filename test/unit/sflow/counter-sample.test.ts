import { expect, test } from 'vitest';
import { interfaceRecords, writeCounterSample } from '../../../src/sflow/counter-sample.ts';
import { DataSource } from '../../../src/sflow/data-source.ts';
import { DatagramAssembler } from '../../../src/sflow/datagram.ts';
import {
	type InterfaceCounters,
	interfaceCounters,
} from '../../../src/sflow/interface-counters.ts';
import type { Link } from '../../../src/topology/links.ts';
import { link, statistics } from '../../harness/links.ts';
import { counters, decode } from '../../harness/sflow.ts';

const UNKNOWN = 0xffffffff;

/** Each number once, so that no two fields can be exchanged. */
const COUNTERS: InterfaceCounters = {
	ifIndex: 3,
	name: 'eth0',
	ifType: 6,
	speedBps: 100e9,
	duplex: 'full',
	adminUp: true,
	operUp: false,
	promiscuous: false,
	received: {
		octets: 2n ** 60n + 1n,
		unicast: 11,
		multicast: 12,
		broadcast: 13,
		discards: 14,
		errors: 15,
	},
	sent: { octets: 2n ** 59n, unicast: 21, discards: 24, errors: 25 },
};

function decoded(counted: InterfaceCounters, expanded = false) {
	const sent: string[] = [];
	const assembler = new DatagramAssembler({
		agent: Uint8Array.of(192, 0, 2, 1),
		subAgent: 0,
		uptimeMs: () => 0,
		send: ({ bytes }) => void sent.push(bytes.toString('hex')),
	});
	const source = new DataSource(0, counted.ifIndex);
	const records = interfaceRecords(counted);
	assembler.add((xdr) => writeCounterSample(xdr, source, expanded, records));
	assembler.flush();
	return { hex: sent[0] as string, sample: counters(decode(sent))[0] };
}

test('generic interface counters and the name', () => {
	const { hex, sample } = decoded(COUNTERS);
	expect(sample).toMatchObject({ expanded: false, sequence: 1, source: { class: 0, index: 3 } });
	expect(sample?.records).toEqual({
		if_counters: {
			ifIndex: 3,
			ifType: 6,
			ifSpeed: 100e9,
			ifDirection: 1,
			ifStatus: 1,
			ifInOctets: 2 ** 60,
			ifInUcastPkts: 11,
			ifInMulticastPkts: 12,
			ifInBroadcastPkts: 13,
			ifInDiscards: 14,
			ifInErrors: 15,
			ifInUnknownProtos: UNKNOWN,
			ifOutOctets: 2 ** 59,
			ifOutUcastPkts: 21,
			ifOutMulticastPkts: UNKNOWN,
			ifOutBroadcastPkts: UNKNOWN,
			ifOutDiscards: 24,
			ifOutErrors: 25,
			ifPromiscuousMode: 0,
		},
		port_name: { name: 'eth0' },
	});
	// To the last octet, which JSON has rounded above.
	expect(hex).toContain('1000000000000001');
	expect(hex).toContain('0000000100000058'); // 88 bytes
});

test('promiscuous and up are said', () => {
	const { sample } = decoded({ ...COUNTERS, operUp: true, promiscuous: true, duplex: 'half' });
	expect(sample?.records['if_counters']).toMatchObject({
		ifStatus: 3,
		ifPromiscuousMode: 1,
		ifDirection: 2,
	});
});

test('Ethernet and VLAN counters, expanded', () => {
	const { hex, sample } = decoded(
		{
			...COUNTERS,
			ethernet: {
				alignmentErrors: 1,
				fcsErrors: 2,
				lateCollisions: 3,
				excessiveCollisions: 4,
				internalMacTransmitErrors: 5,
				carrierSenseErrors: 6,
				frameTooLongs: 7,
			},
			vlan: { vlan: 100, octets: 5n, unicast: 6, multicast: 7, discards: 8 },
		},
		true,
	);
	expect(sample).toMatchObject({ expanded: true, source: { class: 0, index: 3 } });
	expect(sample?.records['ethernet_counters']).toEqual({
		AlignmentErrors: 1,
		FCSErrors: 2,
		SingleCollisionFrames: UNKNOWN,
		MultipleCollisionFrames: UNKNOWN,
		SQETestErrors: UNKNOWN,
		DeferredTransmissions: UNKNOWN,
		LateCollisions: 3,
		ExcessiveCollisions: 4,
		InternalMacTransmitErrors: 5,
		CarrierSenseErrors: 6,
		FrameTooLongs: 7,
		InternalMacReceiveErrors: UNKNOWN,
		SymbolErrors: UNKNOWN,
	});
	expect(sample?.records['vlan_counters']).toEqual({
		vlan_id: 100,
		octets: 5,
		ucastPkts: 6,
		multicastPkts: 7,
		broadcastPkts: UNKNOWN,
		discards: 8,
	});
	expect(hex).toContain('0000000200000034'); // 52 bytes
});

const UNKNOWN_SPEED = { speedBps: 0, duplex: 'unknown' } as const;

const COUNTED = statistics({
	...{ rxBytes: 1000n, rxFrames: 10, rxErrors: 1, rxDropped: 2, rxMulticast: 6 },
	...{ txBytes: 2000n, txFrames: 20, txErrors: 3, txDropped: 4 },
});

test('from what Linux counts', () => {
	const bridge = link('br0', 9, {
		...{ kind: 'bridge', operState: 2, promiscuity: 1, address: '', statistics: COUNTED },
	});
	expect(interfaceCounters(bridge, UNKNOWN_SPEED)).toEqual({
		ifIndex: 9,
		name: 'br0',
		ifType: 209,
		speedBps: 0,
		duplex: 'unknown',
		adminUp: true,
		operUp: false,
		promiscuous: true,
		received: { octets: 1000n, unicast: 4, multicast: 6, discards: 2, errors: 1 },
		sent: { octets: 2000n, unicast: 20, discards: 4, errors: 3 },
	});
});

test('discards are also what the device had no room for', () => {
	const missing = link('x', 1, { statistics: statistics({ rxDropped: 3, rxMissed: 4 }) });
	expect(interfaceCounters(missing, UNKNOWN_SPEED).received.discards).toBe(7);
});

test('a VLAN device: both directions together', () => {
	const vlan = link('eth0.100', 3, {
		...{ kind: 'vlan', vlan: { id: 100, protocol: 0x8100 }, statistics: COUNTED },
	});
	expect(interfaceCounters(vlan, UNKNOWN_SPEED).vlan).toEqual({
		vlan: 100,
		octets: 3000n,
		unicast: 24,
		multicast: 6,
		discards: 6,
	});
});

test('Ethernet counters, of what has a MAC address', () => {
	const counted = {
		...{ rxFrameErrors: 1, rxCrcErrors: 2, txWindowErrors: 3, txAbortedErrors: 4 },
		...{ txFifoErrors: 5, txCarrierErrors: 6, rxLengthErrors: 7, rxFifoErrors: 8 },
	};
	const of = (more: Partial<Link>) =>
		interfaceCounters(link('x', 1, { statistics: statistics(counted), ...more }), UNKNOWN_SPEED)
			.ethernet;
	expect(of({})).toEqual({
		alignmentErrors: 1,
		fcsErrors: 2,
		lateCollisions: 3,
		excessiveCollisions: 4,
		internalMacTransmitErrors: 5,
		carrierSenseErrors: 6,
		frameTooLongs: 7,
		internalMacReceiveErrors: 8,
	});
	expect(of({ arpType: 772, address: '00:00:00:00:00:00' })).toBeUndefined();
	expect(of({ arpType: 65_534, address: '' })).toBeUndefined();
});

test.each([
	['Ethernet', {}, 6],
	['loopback', { arpType: 772 }, 24],
	['VLAN', { kind: 'vlan' }, 135],
	['bond', { kind: 'bond' }, 161],
	['tun', { arpType: 65_534, kind: 'tun' }, 131],
	['GRE', { arpType: 778, kind: 'gre' }, 131],
	['InfiniBand', { arpType: 32 }, 1],
])('ifType of %s', (_, more, expected) => {
	expect(interfaceCounters(link('x', 1, more), UNKNOWN_SPEED).ifType).toBe(expected);
});
