/** The same on a bridge that filters VLANs, which not every kernel can. */
import { beforeAll, test } from 'vitest';
import {
	type Bridged,
	type BridgedFrame,
	behind,
	bridge,
	bridgedWays,
	bridgePort,
	expectWay,
	OWN,
} from '../harness/bridged.ts';
import { BROADCAST } from '../harness/frames.ts';
import { type Host, Lab, sleep } from '../harness/lab.ts';

const VLAN_FRAMES: BridgedFrame[] = [
	{ what: 'an address in one VLAN', at: 'p1', vlan: 10, to: behind('p1'), output: 'p2' },
	{ what: 'the same in another', at: 'p1', vlan: 20, to: behind('p1'), output: 'p3' },
	{
		what: 'a VLAN that the port does not take',
		at: 'p1',
		vlan: 40,
		to: behind('p1'),
		output: 'discarded',
	},
	{ what: 'a VLAN without other members', at: 'p1', vlan: 30, to: BROADCAST, output: 'discarded' },
	{ what: 'no tag, the VLAN of the port', at: 'p2', to: BROADCAST, output: 'p1' },
	{ what: 'a VLAN in which the host is', at: 'p3', to: BROADCAST, output: 'several' },
	{ what: "the bridge's own address there", at: 'p3', to: OWN, output: 'br0' },
	{ what: 'no tag, and no VLAN for it', at: 'p1', to: behind('p1'), output: 'discarded' },
];

/** A trunk, and two ports in a VLAN each; one address is in both. */
function vlans(host: Host): void {
	const run = (line: string) => host.exec('bridge', ...line.split(' '));
	for (const port of ['p1', 'p2', 'p3']) run(`vlan del vid 1 dev ${port}`);
	for (const vlan of [10, 20, 30]) run(`vlan add vid ${vlan} dev p1`);
	run('vlan add vid 10 dev p2 pvid untagged');
	run('vlan add vid 20 dev p3 pvid untagged');
	run('vlan add vid 20 dev br0 self');
	run(`fdb add ${behind('p1')} dev p2 vlan 10 master static`);
	run(`fdb add ${behind('p1')} dev p3 vlan 20 master static`);
}

let ways: Bridged[];

beforeAll(async () => {
	await using lab = new Lab();
	const [host, far] = [lab.host('host'), lab.host('far')];
	bridge(host, 'br0', OWN, 'vlan_filtering', '1');
	for (const port of ['p1', 'p2', 'p3']) bridgePort(lab, host, far, 'br0', port);
	vlans(host);
	await sleep(200);
	ways = await bridgedWays(lab, host, far, ['p1', 'p2', 'p3', 'br0'], VLAN_FRAMES);
}, 300_000);

test.each(VLAN_FRAMES)('$what: $output, and so it is', (frame) => expectWay(ways, frame));
