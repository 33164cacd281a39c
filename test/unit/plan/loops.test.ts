import { expect, test } from 'vitest';
import { refuseLoops } from '../../../src/plan/loops.ts';
import { codeOf } from '../../harness/errors.ts';
import { link } from '../../harness/links.ts';

const bridge = link('br0', 10, { kind: 'bridge' });
const portA = link('a', 11, { master: 10, kind: 'veth', link: 12 });
const peerA = link('a-peer', 12, { kind: 'veth', link: 11 });
const portB = link('b', 13, { master: 10 });
const parent = link('eth0', 14);
const vlan = link('eth0.5', 15, { kind: 'vlan', link: 14 });
const foreign = link('c', 16, { kind: 'veth', link: 14, linkNetnsid: 0 });
const LINKS = [bridge, portA, peerA, portB, parent, vlan, foreign];

test.each([
	['the same interface', 'destination_is_source', parent, parent],
	['the other end of a veth pair', 'destination_is_peer', portA, peerA],
	['the bridge of the source', 'destination_shares_path', portB, bridge],
	['a port of the source bridge', 'destination_shares_path', bridge, portB],
	['a VLAN device on the source', 'destination_shares_path', parent, vlan],
	['the parent of the source', 'destination_shares_path', vlan, parent],
])('%s is refused', (_, code, source, port) => {
	expect(codeOf(() => refuseLoops([source], port, LINKS))).toBe(code);
});

test.each([
	['another port of the same bridge', portA, portB],
	['a veth whose peer is elsewhere under the same number', parent, foreign],
])('%s is fine', (_, source, port) => {
	expect(() => refuseLoops([source], port, LINKS)).not.toThrow();
});
