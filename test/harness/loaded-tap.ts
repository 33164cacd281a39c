/** A tap that is loaded but attached nowhere: frames are put through it with BPF_PROG_TEST_RUN. */

import { type Ledger, tapLedger } from '../../src/ledger.ts';
import { native } from '../../src/native.ts';
import { type Plan, planSelection } from '../../src/plan/plan.ts';
import { loadTap } from '../../src/session/taps.ts';
import { FrameBatch } from '../../src/sinks/frames.ts';
import { SlabReader } from '../../src/sinks/reader.ts';
import type { RateLimit, Sample } from '../../src/spec/spec.ts';
import { testkit } from './testkit.ts';

export interface Captured {
	bytes: Buffer;
	wireLength: number;
	capturedLength: number;
	direction: 'rx' | 'tx';
	segments: number;
	lostBefore: number;
	vlan: number | null;
	timeMs: number;
}

export interface TapOptions {
	hook: 'tcx' | 'xdp';
	direction?: 'rx' | 'tx';
	snaplen?: number;
	ringBytes?: number;
	otherInterface?: boolean;
	count?: number;
	filter?: string;
	sample?: Sample;
	limit?: RateLimit;
	/** Clone to this interface instead of copying into the ring. */
	portIfindex?: number;
}

export function planOf(options: TapOptions): Plan {
	return {
		name: 'test',
		netns: 0,
		taps: [
			{
				index: 0,
				source: 'test0',
				interface: 'test0',
				ifindex: 1,
				netns: 0,
				path: null,
				direction: options.direction ?? 'rx',
				said: options.direction ?? 'rx',
				hook: options.hook,
				link: 'ethernet',
				address: null,
				mtu: 1500,
			},
		],
		follow: [],
		destination:
			options.portIfindex === undefined
				? { type: 'frames' }
				: { type: 'port', interface: 'p', ifindex: options.portIfindex, up: true, mtu: 1500 },
		rings: {
			count: 1,
			bytes: options.ringBytes ?? 1 << 20,
			snaplen: options.snaplen ?? 262_144,
			otherInterface: options.otherInterface === true,
			wakeBytes: 0,
		},
		selection: planSelection(options),
		count: options.count ?? null,
		durationMs: null,
		notices: [],
	};
}

export class LoadedTap {
	private readonly plan: Plan;
	private readonly maps;
	private readonly tap;

	constructor(options: TapOptions) {
		this.plan = planOf(options);
		this.maps = new native.Maps({ taps: 1, rings: 1, ringBytes: this.plan.rings?.bytes ?? 0 });
		if (options.count !== undefined) this.maps.setBudget(options.count);
		this.tap = loadTap(
			{
				maps: this.maps,
				plan: this.plan,
				pathOf: () => ({ port: options.portIfindex ?? 0, firstHop: 0 }),
			},
			this.plan.taps[0] as Plan['taps'][0],
		);
	}

	/** Runs one frame through the tap. */
	run(frame: Uint8Array, repeat = 1): { verdict: number; data: Buffer } {
		return testkit.testRun(this.tap.fd(), frame, { repeat });
	}

	/** Runs a frame whose outermost tag is not among the bytes but in metadata, as a NIC leaves it. */
	runTagged(frame: Uint8Array, protocol: number, tci: number): number {
		return testkit.testRun(this.tap.fd(), frame, { tag: [protocol, tci] }).verdict;
	}

	/** Nanoseconds that one run takes, mean of many. */
	cost(frame: Uint8Array, repeat: number): number {
		return testkit.testRun(this.tap.fd(), frame, { repeat }).nsPerRun;
	}

	/** What the kernel counted. */
	kernelLedger(): Ledger {
		return tapLedger(this.maps.counters(), 0, null);
	}

	/** Empties the rings: every record, in order. Ends the tap. */
	async captured(): Promise<Captured[]> {
		const reader = new SlabReader(this.maps, 1, { format: 'raw' });
		const frames: Captured[] = [];
		reader.finish();
		for (let slab = await reader.next(); slab; slab = await reader.next()) {
			for (const view of new FrameBatch(slab, this.plan.taps))
				frames.push({
					bytes: Buffer.from(view.bytes),
					wireLength: view.wireLength,
					capturedLength: view.capturedLength,
					direction: view.direction,
					segments: view.segments,
					lostBefore: view.lostBefore,
					vlan: view.vlan,
					timeMs: view.timeMs,
				});
			reader.giveBack(slab);
		}
		reader.close();
		this.close();
		return frames;
	}

	close(): void {
		this.tap.close();
		this.maps.close();
	}
}

/** TCX_NEXT and XDP_PASS: what a tap must answer, whatever it met. */
export const GO_ON = { tcx: -1, xdp: 2 } as const;
