// test-run.mjs HOOK SELECTION: a tap that is loaded with a selection (JSON) but attached nowhere, and
// a program that only returns. Answers {frame, repeat, pairs} with the nanoseconds that a run took of
// each, one after the other, {tap, returns} a pair, and with what the tap counted of its runs.
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { tapLedger } from '../../dist/ledger.js';
import { native } from '../../dist/native.js';
import { planSelection } from '../../dist/plan/plan.js';
import { loadTap } from '../../dist/session/taps.js';

const { Bystander, testRun } = createRequire(import.meta.url)(
	join(import.meta.dirname, '../../build/Release/testkit.node'),
);
const RING_BYTES = 1 << 20;

const [hook, selection] = process.argv.slice(2);
const tapPlan = {
	index: 0,
	source: 'none',
	ifindex: 1,
	interface: 'none',
	netns: 0,
	path: null,
	direction: 'rx',
	said: 'rx',
	hook,
	link: 'ethernet',
	address: null,
	mtu: 1500,
};
const plan = {
	name: 'bench',
	netns: 0,
	taps: [tapPlan],
	follow: [],
	destination: { type: 'frames' },
	rings: { count: 1, bytes: RING_BYTES, snaplen: 128, otherInterface: false, wakeBytes: 0 },
	selection: planSelection(JSON.parse(selection)),
	count: null,
	durationMs: null,
	notices: [],
};
const maps = new native.Maps({ taps: 1, rings: 1, ringBytes: RING_BYTES });
const tap = loadTap({ maps, plan, pathOf: () => ({ port: 0, firstHop: 0 }) }, tapPlan);
const bystander = new Bystander({ hook: hook === 'xdp' ? 'xdp' : 'rx', ifindex: 0 });

/** @param {{frame: string, repeat: number, pairs: number}} order */
function measure({ frame, repeat, pairs }) {
	const bytes = Buffer.from(frame, 'hex');
	const programs = { tap: tap.fd(), returns: bystander.fd() };
	const names = Object.keys(programs);
	return Array.from({ length: pairs }, (_, pair) => {
		const order = pair % 2 ? [...names].reverse() : names;
		return Object.fromEntries(
			order.map((name) => [name, testRun(programs[name], bytes, { repeat }).nsPerRun]),
		);
	});
}

process.on('message', (/** @type {{frame: string, repeat: number, pairs: number}} */ order) => {
	const runs = measure(order);
	process.send?.({ runs, ledger: tapLedger(maps.counters(), 0, null) });
	tap.close();
	maps.close();
	bystander.close();
	process.disconnect?.();
});
process.send?.({ ready: true });
