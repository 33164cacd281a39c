/** The same on a bridge that filters VLANs, which not every kernel can. */
import { beforeAll, expect, test } from 'vitest';
import { type BridgedFrame, bridgedOutputs, MAC } from '../harness/sflow-bridge.ts';

const FRAMES: BridgedFrame[] = [
	{ what: 'known', to: MAC.second, output: 'b2' },
	{ what: 'known, with a tag of the same VLAN', to: MAC.second, vlan: 10, output: 'b2' },
	{ what: 'known in another VLAN only', to: MAC.second, vlan: 20, output: 'multiple 0' },
	{ what: 'of the untagged VLAN', to: MAC.twice, output: 'b2' },
	{ what: 'the same address in another VLAN', to: MAC.twice, vlan: 20, output: 'b3' },
	{ what: 'the bridge itself', to: MAC.bridge, output: 'br0' },
];

let outputs: Map<string, string>;

beforeAll(async () => {
	const options = ['vlan_filtering', '1', 'vlan_default_pvid', '10'];
	outputs = await bridgedOutputs(FRAMES, options, (host, entry) => {
		for (const port of ['b1', 'b2', 'b3'])
			host.exec('bridge', 'vlan', 'add', 'dev', port, 'vid', '20');
		entry(MAC.second, 'b2', 'vlan', '10');
		entry(MAC.twice, 'b2', 'vlan', '10');
		entry(MAC.twice, 'b3', 'vlan', '20');
	});
}, 120_000);

test.each(FRAMES)('$what: $output', ({ what, output }) => {
	expect(outputs.get(what)).toBe(output);
});
