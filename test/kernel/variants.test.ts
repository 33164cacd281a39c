/** Taps have a variant for older kernels. A newest one that is refused by mistake would go unnoticed. */
import { release } from 'node:os';
import { expect, test } from 'vitest';
import { isAtLeast } from '../../src/doctor/doctor.ts';
import { native } from '../../src/native.ts';
import type { DestinationPlan } from '../../src/plan/plan.ts';
import { encodeConfig } from '../../src/session/tap-config.ts';
import { planOf } from '../harness/loaded-tap.ts';

/** The newest one where the kernel has bpf_cast_to_kern_ctx. */
const PROGRAMS = isAtLeast(release(), 6, 2) ? ['xspan_tc', 'xspan_tc_6_1'] : ['xspan_tc_6_1'];

const MIRROR_PORT: DestinationPlan = {
	type: 'mirror-port',
	to: { type: 'rspan', interface: 'p', vlan: 1 },
	interface: { name: 'p', ifindex: 1, netns: 0, path: null },
	port: {
		snaplen: null,
		oversize: 'truncate',
		overhead: 4,
		mtu: 1500,
		largestFrame: 1518,
		sufficientMtu: 1500,
		route: null,
	},
};

const SINKS: DestinationPlan[] = [
	{ type: 'frames' },
	{ type: 'port', interface: 'p', ifindex: 1, up: true, mtu: 1500 },
	MIRROR_PORT,
];

interface Row {
	program: string;
	direction: 'rx' | 'tx';
	sink: DestinationPlan;
	otherInterface?: boolean;
}

function refusal({ program, direction, sink, otherInterface = false }: Row): unknown {
	const maps = new native.Maps({ taps: 1, rings: 1, ringBytes: 4096 });
	const options = { hook: 'tcx', direction, otherInterface } as const;
	const plan = { ...planOf(options), destination: sink };
	const [tap] = plan.taps;
	if (!tap) throw new Error('a plan without taps');
	const config = encodeConfig(plan, tap, plan.selection, { port: 1, firstHop: 0 });
	try {
		new native.Tap(maps, { program, config }).close();
		return null;
	} catch (error) {
		return error;
	} finally {
		maps.close();
	}
}

const rows = SINKS.flatMap((sink) =>
	(['rx', 'tx'] as const).flatMap((direction) =>
		PROGRAMS.map((program) => ({ program, direction, to: sink.type, sink })),
	),
);

const asking = rows
	.filter(({ to }) => to === 'frames')
	.map((row) => ({ ...row, to: 'frames, with their other interface', otherInterface: true }));

test.each([...rows, ...asking])('$program, $direction, to $to', (row) => {
	expect(refusal(row)).toBeNull();
});
