import { describe, expect, test } from 'vitest';
import { addressBytes } from '../../../src/sflow/address-bytes.ts';
import {
	chooseAgentAddress,
	type HostAddress,
	parseUplinks,
	parseUplinks6,
} from '../../../src/sflow/agent-address.ts';

const on = (name: string, ...addresses: string[]): HostAddress[] =>
	addresses.map((address) => ({ interface: name, address }));

describe('the agent address', () => {
	const DOCKER = on('docker0', '172.17.0.1');
	const ETH1 = on('eth1', 'fd00::5', '2001:db8::5', '198.51.100.5');

	test('is of the uplink', () => {
		expect(chooseAgentAddress([...DOCKER, ...ETH1], ['eth1'])).toBe('198.51.100.5');
		expect(chooseAgentAddress([...DOCKER, ...ETH1], ['docker0'])).toBe('172.17.0.1');
	});

	test('is of the preferred uplink when there are two', () => {
		const both = [...ETH1, ...on('eth2', '203.0.113.9')];
		expect(chooseAgentAddress(both, ['eth2', 'eth1'])).toBe('203.0.113.9');
		expect(chooseAgentAddress(both, ['eth1', 'eth2'])).toBe('198.51.100.5');
	});

	test('is IPv4 where there is any', () => {
		const both = [...on('eth1', '2001:db8::5'), ...DOCKER];
		expect(chooseAgentAddress(both, ['eth1'])).toBe('172.17.0.1');
	});

	test('is global before unique local', () => {
		expect(chooseAgentAddress(on('eth1', 'fd00::5', '2001:db8::5'), ['eth1'])).toBe('2001:db8::5');
		expect(chooseAgentAddress(on('eth1', 'fd00::5'), [])).toBe('fd00::5');
	});

	test('stays while the host has it, whatever comes', () => {
		expect(chooseAgentAddress([...DOCKER, ...ETH1], ['eth1'], '172.17.0.1')).toBe('172.17.0.1');
		expect(chooseAgentAddress(ETH1, ['eth1'], '172.17.0.1')).toBe('198.51.100.5');
	});

	test('is missing on a host without any', () => {
		expect(chooseAgentAddress([], ['eth1'])).toBeNull();
		expect(chooseAgentAddress([], [], '192.0.2.1')).toBeNull();
	});
});

test('default routes of IPv4, the lowest metric first', () => {
	const text = `Iface	Destination	Gateway 	Flags	RefCnt	Use	Metric	Mask		MTU	Window	IRTT
wlan0	00000000	0100A8C0	0003	0	0	600	00000000	0	0	0
eth0	00000000	0102A8C0	0003	0	0	100	00000000	0	0	0
eth1	00000000	0103A8C0	0002	0	0	50	00000000	0	0	0
eth0	0002A8C0	00000000	0001	0	0	100	00FFFFFF	0	0	0
tun0	00000000	00000000	0001	0	0	10	00000080	0	0	0`;
	expect(parseUplinks(text)).toEqual(['eth0', 'wlan0']);
});

test('default routes of IPv6', () => {
	const zeros = '0'.repeat(32);
	const row = (destination: string, length: string, metric: string, name: string): string =>
		`${destination} ${length} ${zeros} 00 ${zeros} ${metric} 00000001 00000000 00000003 ${name}`;
	const text = [
		row(zeros, '00', '00000400', 'eth1'),
		row(zeros, '00', '00000064', 'eth0'),
		row('20010db8000000000000000000000000', '40', '00000001', 'eth2'),
		row(zeros, '00', 'ffffffff', 'lo'),
	].join('\n');
	expect(parseUplinks6(text)).toEqual(['eth0', 'eth1']);
});

test.each([
	['192.0.2.255', 'c00002ff'],
	['::', '0'.repeat(32)],
	['::1', '00000000000000000000000000000001'],
	['2001:db8::9', '20010db8000000000000000000000009'],
	['1:2:3:4:5:6:7:8', '00010002000300040005000600070008'],
	['fe80::1%eth0', 'fe800000000000000000000000000001'],
	['::ffff:192.0.2.1', '00000000000000000000ffffc0000201'],
])('%s as bytes', (text, hex) => {
	expect(Buffer.from(addressBytes(text) ?? []).toString('hex')).toBe(hex);
});

test.each(['', 'eth0', '192.0.2', '192.0.2.256', '1::2::3', ':::', '12345::'])(
	'"%s" is no address',
	(text) => expect(addressBytes(text)).toBeNull(),
);
