/** The output of frames that a bridge's port receives: what is said, and what the bridge does. */
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

const PORTS = ['p1', 'p2', 'p3', 'p4', 'p5'];
const LEARNED = '02:00:00:00:98:02';

const MAC_OF_P2 = '02:00:00:00:97:02';

const FRAMES: BridgedFrame[] = [
	{ what: 'a station behind a port', at: 'p1', to: behind('p2'), output: 'p2' },
	{ what: 'a station that was learned', at: 'p1', to: LEARNED, output: 'p2' },
	{ what: "the bridge's own address", at: 'p1', to: OWN, output: 'br0' },
	{ what: "another port's address", at: 'p1', to: MAC_OF_P2, output: 'br0' },
	{ what: 'nobody knows it', at: 'p1', to: '02:00:00:00:96:01', output: 'several' },
	{ what: 'broadcast', at: 'p1', to: BROADCAST, output: 'several' },
	{ what: 'multicast', at: 'p1', to: '01:00:5e:01:02:03', output: 'several' },
	{ what: 'it is behind the port itself', at: 'p1', to: behind('p1'), output: 'discarded' },
	{ what: 'the same, with hairpin', at: 'p2', to: behind('p2'), output: 'p2' },
	{ what: 'between isolated ports', at: 'p3', to: behind('p4'), output: 'discarded' },
	{ what: 'from an isolated port to another', at: 'p3', to: behind('p1'), output: 'p1' },
	{ what: 'to a port that is disabled', at: 'p1', to: behind('p5'), output: 'discarded' },
	{ what: 'from a port that is disabled', at: 'p5', to: behind('p1'), output: 'discarded' },
	{
		what: 'reserved for the link: the bridge gives it to nobody but the port itself',
		at: 'p1',
		to: '01:80:c2:00:00:0e',
		output: 'unknown',
		really: [],
	},
	{ what: 'one other port, and nobody knows it', at: 'q1', to: '02:00:00:00:96:02', output: 'q2' },
	{ what: 'one other port and the host', at: 'q1', to: BROADCAST, output: 'several' },
];

function station(host: Host, port: string): void {
	const entry = ['fdb', 'add', behind(port), 'dev', port, 'master', 'static'];
	host.exec('bridge', ...entry);
}

let ways: Bridged[];

beforeAll(async () => {
	await using lab = new Lab();
	const [host, far] = [lab.host('host'), lab.host('far')];
	bridge(host, 'br0', OWN);
	bridge(host, 'br1', '02:00:00:00:0b:01');
	for (const port of PORTS) {
		bridgePort(lab, host, far, 'br0', port);
		station(host, port);
	}
	for (const port of ['q1', 'q2']) bridgePort(lab, host, far, 'br1', port);
	host.ip('link', 'set', 'p2', 'address', MAC_OF_P2);
	host.exec('bridge', 'link', 'set', 'dev', 'p2', 'hairpin', 'on');
	for (const port of ['p3', 'p4'])
		host.exec('bridge', 'link', 'set', 'dev', port, 'isolated', 'on');
	host.exec('bridge', 'fdb', 'add', LEARNED, 'dev', 'p2', 'master', 'dynamic');
	await sleep(200);
	host.exec('bridge', 'link', 'set', 'dev', 'p5', 'state', '0');
	const interfaces = [...PORTS, 'q1', 'q2', 'br0', 'br1'];
	ways = await bridgedWays(lab, host, far, interfaces, FRAMES);
}, 60_000);

test.each(FRAMES)('$what: $output, and so it is', (frame) => expectWay(ways, frame));
