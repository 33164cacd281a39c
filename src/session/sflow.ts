/** The sFlow agent on a live session: the kernel draws the samples, the agent exports them. */
import { XspanError } from '../errors.ts';
import { type Host, type Plan, planCapture, readHost, type TapPlan } from '../plan/plan.ts';
import { type SflowAgent, type SflowStatus, startSflow } from '../sflow/agent.ts';
import type { FlowSample } from '../sflow/sample.ts';
import { checkSflow, type SflowSpec } from '../sflow/spec.ts';
import { Tunnels } from '../sflow/tunnels.ts';
import { Ways } from '../sflow/ways.ts';
import type { FrameBatch } from '../sinks/frames.ts';
import type { CaptureSpec } from '../spec/spec.ts';
import { capture, type Session, type SessionEnd, type TapState } from './session.ts';
import { EntityFollower } from './sflow-entities.ts';
import { SflowPools, type SourceState, sourceStates } from './sflow-pools.ts';
import { sampleOf } from './sflow-samples.ts';

export interface SflowSessionSpec
	extends SflowSpec,
		Pick<
			CaptureSpec,
			| 'sources'
			| 'follow'
			| 'direction'
			| 'filter'
			| 'name'
			| 'durationMs'
			| 'signal'
			| 'onNotice'
			| 'bufferBytes'
		> {
	/** Every sample, before it is exported. Its header is valid during the call only. */
	onSample?: (sample: FlowSample) => void;
}

export interface SflowSessionStatus extends SflowStatus {
	/** Data sources, with what is counted of them. */
	sources: SourceState[];
}

export interface SflowEnd extends SessionEnd {
	sflow: SflowSessionStatus;
}

/** How often it is looked which interfaces and containers have come and gone. */
const SOURCES_POLL_MS = 1000;

/** Some hundred samples. What is less waits up to 100 ms: datagrams may wait for a second anyway. */
const WAKE_BYTES = 2 ** 16;

/** FrameView.selection has so many values. */
const SELECTIONS = 2 ** 16;

function captureSpec(spec: SflowSessionSpec): CaptureSpec {
	const { sampling, headerBytes } = checkSflow(spec);
	return {
		...spec,
		sample: { mode: 'random', rate: sampling },
		snaplen: headerBytes,
		otherInterface: true,
		wakeBytes: WAKE_BYTES,
	};
}

const isForeign = ({ path }: TapPlan): boolean => path !== null;

/** Collectors know an interface by its ifIndex, which means something in one namespace only. */
function refuseForeign({ taps }: Plan): void {
	const foreign = taps.find(isForeign);
	if (!foreign) return;
	throw new XspanError(
		'unsupported',
		'foreign_source',
		`${foreign.source} is in another network namespace, where its ifIndex is not one of this host`,
		{ hint: 'run xspan in that namespace: nsenter --net=...' },
	);
}

/** The plan of sflow(), as data; attaches nothing. */
export function planSflow(spec: SflowSessionSpec, host: Host = readHost()): Plan {
	const plan = planCapture(captureSpec(spec), host);
	refuseForeign(plan);
	return plan;
}

/** A container that comes later may be one without a veth pair. */
function ownSources(session: Session, taps: readonly TapState[]): SourceState[] {
	const plans = session.tapPlans();
	return sourceStates(taps.filter((_, index) => !isForeign(plans[index] as TapPlan)));
}

export class SflowSession implements AsyncDisposable {
	/** Settles when the session has ended and what was left has been sent. */
	readonly done: Promise<SflowEnd>;
	private readonly session: Session;
	private readonly agent: SflowAgent;
	private readonly pools = new SflowPools();
	private readonly ways = new Ways();
	private readonly entities: EntityFollower;
	private readonly tunnels: Tunnels | null;
	private readonly poll: NodeJS.Timeout;
	/** By the number of the selection under which a frame was drawn. */
	private readonly rates = new Map<number, number>();
	private updating: Promise<void> = Promise.resolve();

	/** Use sflow(). */
	constructor(session: Session, agent: SflowAgent, sources: readonly string[]) {
		this.session = session;
		this.agent = agent;
		this.entities = new EntityFollower(sources, session.plan, agent);
		this.tunnels = agent.settings.tunnels ? new Tunnels() : null;
		this.rates.set(session.selection.number, agent.settings.sampling);
		this.follow();
		this.poll = setInterval(() => this.follow(), SOURCES_POLL_MS);
		this.done = this.run();
		this.done.catch(() => {}); // a caller that only closes is told by close()
	}

	get name(): string {
		return this.session.name;
	}

	get plan(): Plan {
		return this.session.plan;
	}

	/** What the kernel side and the agent have counted so far. */
	state(): Omit<SflowEnd, 'reason'> {
		return { ...this.session.state(), sflow: this.status() };
	}

	/** --max-samples: from now on one in so many frames is drawn. */
	setRate(rate: number): void {
		this.updating = this.updating.then(() => this.update(rate));
	}

	/** Detaches, sends what was sampled until now, and settles `done`. */
	async close(): Promise<SflowEnd> {
		await this.session.stop();
		return this.done;
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await this.close();
	}

	private async run(): Promise<SflowEnd> {
		try {
			await this.agent.run(this.batches());
		} finally {
			clearInterval(this.poll);
			this.ways.close();
			await this.agent.close();
		}
		const end = await this.session.done;
		return { ...end, sflow: this.status() };
	}

	private async *batches(): AsyncGenerator<Iterable<FlowSample>, void, void> {
		for await (const batch of this.session.frames()) yield this.samples(batch);
	}

	private *samples(batch: FrameBatch): Generator<FlowSample, void, void> {
		this.ways.refresh();
		for (const frame of batch) {
			const tap = batch.taps[frame.tap] as TapPlan;
			if (isForeign(tap)) continue;
			if (!this.agent.hasSource(tap.ifindex)) this.followSources(this.session.tapStates());
			const rate = this.rates.get(frame.selection) as number;
			const counts = this.pools.count(tap.ifindex, frame);
			const sample = sampleOf(frame, tap, counts, rate, this.ways);
			yield this.tunnels?.describe(sample) ?? sample;
		}
	}

	private followSources(taps: readonly TapState[]): void {
		this.tunnels?.expire();
		for (const { ifindex, ended } of ownSources(this.session, taps)) {
			if (ended) this.agent.removeSource(ifindex);
			else this.agent.addSource(ifindex);
		}
	}

	private follow(): void {
		const taps = this.session.tapStates();
		this.followSources(taps);
		this.entities.look(taps);
	}

	private async update(rate: number): Promise<void> {
		this.rates.set((this.session.selection.number + 1) % SELECTIONS, rate);
		try {
			await this.session.update({ sample: { mode: 'random', rate } });
		} catch (error) {
			// Too late, or refused: the session goes on, or ends, as it was.
			if (!(error instanceof XspanError)) throw error;
		}
	}

	private status(): SflowSessionStatus {
		const sources = ownSources(this.session, this.session.tapStates());
		return { ...this.agent.status, sources };
	}
}

/**
 * Samples interfaces in the kernel and exports them as an sFlow version 5 agent.
 * @throws XspanError; nothing stays attached
 */
export async function sflow(
	spec: SflowSessionSpec,
	host: Host = readHost(),
): Promise<SflowSession> {
	planSflow(spec, host);
	const { onSample, onNotice } = spec;
	let live: SflowSession | null = null;
	const agent = await startSflow(spec, {
		onRate: (rate) => live?.setRate(rate),
		...(onSample ? { onSample } : {}),
		...(onNotice ? { onNotice } : {}),
	});
	let session: Session | null = null;
	try {
		session = await capture(captureSpec(spec), host);
		live = new SflowSession(session, agent, spec.sources);
		return live;
	} catch (error) {
		await session?.close();
		await agent.close();
		throw error;
	}
}
