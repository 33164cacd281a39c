/** The output of frames that a bridge port receives: what the bridge's own table says. */
import { beforeAll, expect, test } from 'vitest';
import { type BridgedFrame, bridgedOutputs, MAC } from '../harness/sflow-bridge.ts';

const FRAMES: BridgedFrame[] = [
	{ what: 'known', to: MAC.second, output: 'b2' },
	{ what: 'known, behind a tag', to: MAC.second, vlan: 10, output: 'b2' },
	{ what: 'unknown', to: MAC.unknown, output: 'multiple 0' },
	{ what: 'a group', to: MAC.group, output: 'multiple 0' },
	{ what: 'broadcast', to: MAC.broadcast, output: 'multiple 0' },
	{ what: 'the bridge itself', to: MAC.bridge, output: 'br0' },
	{ what: 'where it came from', to: MAC.first, output: 'discarded 256' },
	{ what: 'what bridges do not forward', to: MAC.lldp, output: 'unknown' },
];

let outputs: Map<string, string>;

beforeAll(async () => {
	outputs = await bridgedOutputs(FRAMES, [], (_, entry) => {
		entry(MAC.second, 'b2');
		entry(MAC.first, 'b1');
	});
}, 60_000);

test.each(FRAMES)('$what: $output', ({ what, output }) => {
	expect(outputs.get(what)).toBe(output);
});
