/** A bridge that filters by VLAN, as its tables would be read; others are in test/e2e. */
import { expect, test } from 'vitest';
import { BridgePorts } from '../../../src/sflow/bridge-ports.ts';
import { discarded, multiple, UNKNOWN_PORT } from '../../../src/sflow/ports.ts';
import type { Link } from '../../../src/topology/links.ts';
import { udpFrame } from '../../harness/frames.ts';
import { link as namedLink } from '../../harness/links.ts';

const BRIDGE = 10;
const [TRUNK, TEN, TWENTY] = [1, 2, 3];
const STATION = '02:00:00:00:99:01';
const STATION_NUMBER = 0x0200_0000_9901;
const NOBODY = '02:00:00:00:96:01';
const DROPPED = discarded(256);

const PVID = 2;

const link = (ifindex: number, more: Partial<Link>): Link =>
	namedLink(`p${ifindex}`, ifindex, more);

const PORT = {
	...{ state: 3, hairpin: false, isolated: false, learning: true },
	...{ flood: true, multicastFlood: true, broadcastFlood: true },
};

function ports(bridge: Partial<NonNullable<Link['bridge']>> = {}): BridgePorts {
	const how = { vlanFiltering: true, vlanProtocol: 0x8100, multicastSnooping: true, ...bridge };
	return new BridgePorts({
		links: () => [
			link(BRIDGE, { kind: 'bridge', bridge: how }),
			...[TRUNK, TEN, TWENTY].map((index) => link(index, { master: BRIDGE, bridgePort: PORT })),
			link(9, {}),
		],
		forwardingTable: () =>
			Float64Array.of(BRIDGE, 10, STATION_NUMBER, TEN, BRIDGE, 20, STATION_NUMBER, TWENTY),
		bridgeVlans: () =>
			Float64Array.from(
				[
					[TRUNK, 10, 0],
					[TRUNK, 20, 0],
					[TRUNK, 30, 0],
					[TEN, 10, PVID],
					[TWENTY, 20, PVID],
					[BRIDGE, 20, 0],
				].flat(),
			),
	});
}

const frame = (destination: string, vlan?: number): Buffer =>
	udpFrame(60, { destination, tags: vlan === undefined ? [] : [{ id: vlan }] });

test.each([
	['one VLAN', TRUNK, frame(STATION, 10), TEN],
	['the same address in another', TRUNK, frame(STATION, 20), TWENTY],
	['a VLAN without the address, and without another port', TRUNK, frame(STATION, 30), DROPPED],
	['a VLAN that the port does not take', TRUNK, frame(STATION, 40), DROPPED],
	['no tag, where there must be one', TRUNK, frame(STATION), DROPPED],
	['the VLAN 0 is none', TRUNK, frame(STATION, 0), DROPPED],
	['no tag: the VLAN of the port, where it is on the same port', TEN, frame(STATION), DROPPED],
	['no tag, nobody knows it, one other member', TEN, frame(NOBODY), TRUNK],
	['broadcast where the host is no member', TEN, frame('ff:ff:ff:ff:ff:ff'), TRUNK],
	['broadcast where it is', TWENTY, frame('ff:ff:ff:ff:ff:ff'), multiple(0)],
	['not a port of a bridge', 9, frame(STATION), UNKNOWN_PORT],
	['too short for Ethernet', TRUNK, Buffer.alloc(13), UNKNOWN_PORT],
])('%s', (_, at, bytes, output) => {
	expect(ports().outputOf(at, bytes)).toBe(output);
});

test('a tag of another protocol is none', () => {
	const provider = ports({ vlanProtocol: 0x88a8 });
	expect(provider.outputOf(TEN, frame(NOBODY, 20))).toBe(TRUNK);
});

test('where snooping is in effect, nobody can tell who gets a group of IP', () => {
	const [ours, local, other] = ['01:00:5e:01:02:03', '01:00:5e:00:00:fb', '01:00:0c:cc:cc:cc'];
	for (const group of [ours, '33:33:00:00:00:fb'])
		expect(ports({ querier: true }).outputOf(TWENTY, frame(group))).toBe(UNKNOWN_PORT);
	for (const group of [local, other, '33:33:00:00:00:01'])
		expect(ports({ querier: true }).outputOf(TWENTY, frame(group))).toBe(multiple(0));
	expect(ports().outputOf(TWENTY, frame(ours))).toBe(multiple(0));
});
