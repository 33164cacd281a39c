/** A live session: attached taps, a ledger, an end. Closing it leaves nothing behind. */
import { XspanError } from '../errors.ts';
import { type Ledger, type PortLedger, sumLedgers, tapLedger } from '../ledger.ts';
import { type NativeMaps, native } from '../native.ts';
import {
	type DestinationPlan,
	type Host,
	type InterfacePlan,
	type Plan,
	planCapture,
	planMirror,
	planSelection,
	readHost,
	type Selection,
	type TapPlan,
} from '../plan/plan.ts';
import { FrameBatch } from '../sinks/frames.ts';
import { PcapngSink } from '../sinks/pcapng-sink.ts';
import { SlabReader } from '../sinks/reader.ts';
import {
	type CaptureSpec,
	type CommonSpec,
	checkCommon,
	type MirrorSpec,
	type Notice,
} from '../spec/spec.ts';
import { isUp, readLinks } from '../topology/links.ts';
import { Follower, foreignExists, isContainer, tapCapacity } from './follow.ts';
import { cleanIfAllowed } from './leftovers.ts';
import { MirrorPort, resolveNeighbour } from './mirror-port.ts';
import {
	type AttachedTap,
	attachTaps,
	detachTaps,
	loadError,
	replaceTaps,
	type TapContext,
} from './taps.ts';

export type EndReason =
	| 'closed'
	| 'aborted'
	| 'duration'
	| 'count'
	| 'files'
	| 'pipe_closed'
	| 'sources_gone'
	| 'destination_gone'
	| 'failed';

export interface TapState {
	source: string;
	ifindex: number;
	direction: 'rx' | 'tx';
	hook: string;
	/** The interface has gone; its counts stay. */
	ended: boolean;
	/** With a mirror port, "delivered" is what its queue accepted. */
	ledger: Ledger;
}

export interface SessionEnd {
	reason: EndReason;
	ledger: Ledger;
	taps: TapState[];
	/** See Session.portLedger(). */
	mirrorPort: PortLedger | null;
}

/** How often the budget of --count is looked at; the copies themselves are counted exactly. */
const COUNT_POLL_MS = 20;

/** How often the way to a collector is looked at. */
const PATH_POLL_MS = 1000;

/** How often interfaces in other namespaces are looked at. */
const FOREIGN_POLL_MS = 1000;

/** How long copies may take through the mirror port when the session ends. */
const PORT_DRAIN_MS = 1000;

/** How long a slow reader (a full pipe) may take for what is left when the session ends. */
const FLUSH_MS = 2000;

export class Session implements AsyncDisposable {
	readonly plan: Plan;
	/** What is copied now; plan.selection is what it began with. */
	selection: Selection;
	/** Settles when the session has ended, whoever ended it. Rejects when its output failed. */
	readonly done: Promise<SessionEnd>;

	private readonly maps: NativeMaps;
	private readonly port: MirrorPort | null;
	private readonly reader: SlabReader | null;
	private readonly taps: AttachedTap[] = [];
	private readonly spec: CommonSpec;
	private readonly context: TapContext;
	private readonly notice: (notice: Notice) => void;
	private readonly follower: Follower;
	private readonly monitor: { close(): void };
	private readonly startMs = Date.now();
	private readonly timers: NodeJS.Timeout[] = [];
	private readonly abort: { signal: AbortSignal; listener: () => void } | null = null;
	private sink: PcapngSink | null = null;
	private consuming: Promise<unknown> | null = null;
	private finalWords: Float64Array | null = null;
	private ending: Promise<void> | null = null;
	private portIsDown = false;
	private settle!: { resolve: (end: SessionEnd) => void; reject: (error: unknown) => void };

	/** Use mirror() or capture(). */
	constructor(plan: Plan, spec: CommonSpec) {
		this.plan = plan;
		this.spec = spec;
		this.selection = plan.selection;
		this.notice = spec.onNotice ?? (() => {});
		this.done = new Promise((resolve, reject) => {
			this.settle = { resolve, reject };
		});
		this.done.catch(() => {}); // a caller that only closes is told by close()
		cleanIfAllowed();
		this.maps = openMaps(plan);
		this.reader = this.openReader();
		let port: MirrorPort | null = null;
		try {
			if (plan.count !== null) this.maps.setBudget(plan.count);
			port = this.openPort();
			this.port = port;
			this.context = this.tapContext();
			this.taps.push(...this.attach(plan.taps));
		} catch (error) {
			port?.close();
			this.reader?.abandon('session_ended');
			this.reader?.close();
			this.maps.close();
			throw error;
		}
		this.follower = new Follower(spec, plan, this.taps, {
			attach: (tap) => this.attach([tap]),
			added: (tap) => this.sink?.addInterface(tap),
			notice: this.notice,
		});
		this.monitor = new native.LinkMonitor(() => this.linksChanged());
		for (const notice of plan.notices) this.notice(notice);
		this.startTimers();
		if (spec.signal) {
			const listener = () => void this.end('aborted');
			this.abort = { signal: spec.signal, listener };
			if (spec.signal.aborted) listener();
			else spec.signal.addEventListener('abort', listener, { once: true });
		}
	}

	get name(): string {
		return this.plan.name;
	}

	/** Counters of this moment, or the final ones once the session has ended. */
	ledger(): Ledger {
		return this.state().ledger;
	}

	/** What the mirror port counted: what it got from the taps, and what became of it. null: there is none. */
	portLedger(): PortLedger | null {
		return this.port?.counters() ?? null;
	}

	/** Everything of one moment: the ledger is made of just these taps and this mirror port. */
	state(): Omit<SessionEnd, 'reason'> {
		// Backwards along the way of a frame: none is counted behind a place where it has not been yet.
		const mirrorPort = this.portLedger();
		const taps = this.tapStates();
		const sum = sumLedgers(taps.map((tap) => tap.ledger));
		const ledger = this.port && mirrorPort ? this.port.ledger(sum, mirrorPort) : sum;
		return { ledger, taps, mirrorPort };
	}

	/** @internal Those of the plan, and those that came later; in the order of tapStates(). */
	tapPlans(): TapPlan[] {
		return this.taps.map((tap) => tap.plan);
	}

	tapStates(): TapState[] {
		const words = this.finalWords ?? this.maps.counters(this.taps.length);
		return this.taps.map((tap) => ({
			source: tap.plan.source,
			ifindex: tap.plan.ifindex,
			direction: tap.plan.direction,
			hook: tap.hook,
			ended: tap.ended,
			ledger: tapLedger(words, tap.plan.index, this.reader?.counts ?? null),
		}));
	}

	/**
	 * The frames of a capture without a file, in batches. A batch and its views are valid until the
	 * next one is asked for. Leaving the loop ends the session.
	 */
	async *frames(): AsyncGenerator<FrameBatch, void, void> {
		const reader = this.reader;
		if (!reader || this.plan.destination.type !== 'frames' || this.consuming)
			throw new XspanError('usage', 'no_frames', 'this session has no frames to iterate', {
				hint: 'use capture() without `write`, and iterate once',
			});
		let ended!: () => void;
		this.consuming = new Promise<void>((resolve) => {
			ended = resolve;
		});
		try {
			for (let slab = await reader.next(); slab; slab = await reader.next()) {
				const batch = new FrameBatch(slab, this.tapPlans());
				reader.delivered(slab);
				try {
					yield batch;
				} finally {
					batch.invalidate();
					reader.giveBack(slab);
				}
			}
		} finally {
			ended();
			this.consuming = null;
			await this.end('closed');
		}
	}

	/**
	 * Changes filter, sampling or limit while the session runs: what is not named stays, null takes
	 * it away. Each tap changes between two frames, so no frame that both selections want is lost
	 * or copied twice.
	 * @throws XspanError; the session then goes on as it was
	 */
	async update(change: SelectionChange): Promise<void> {
		if (this.ending)
			throw new XspanError('usage', 'session_ended', `session ${this.name} has ended`);
		const merged = merge(this.selection, change);
		checkCommon({ sources: ['-'], ...merged });
		const links = this.tapPlans().map((tap) => tap.link);
		const kinds = this.plan.follow.length ? [...links, 'ethernet' as const] : links;
		const number = this.selection.number + 1;
		const selection = { ...planSelection(merged, kinds), number };
		const replaced = replaceTaps(this.context, this.taps, selection);
		this.selection = selection;
		if (change.limit !== undefined) this.maps.resetLimit();
		await this.maps.quiesce();
		for (const tap of replaced) tap.close();
	}

	/** Detaches, delivers what is in flight, and settles `done`. Safe to call twice. */
	async close(): Promise<SessionEnd> {
		await this.end('closed');
		return this.done;
	}

	/**
	 * Detaches, lets the consumer have what is in flight, and settles `done`: as close(), but a loop
	 * over frames() still gets the last batches. Must not be awaited from inside that loop.
	 */
	async stop(): Promise<SessionEnd> {
		await this.end('aborted');
		return this.done;
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await this.close();
	}

	private openPort(): MirrorPort | null {
		const { destination } = this.plan;
		return destination.type === 'mirror-port'
			? new MirrorPort(this.plan, destination, this.notice)
			: null;
	}

	private tapContext(): TapContext {
		const { destination } = this.plan;
		const { port } = this;
		const direct = { port: destination.type === 'port' ? destination.ifindex : 0, firstHop: 0 };
		const pathOf = (tap: TapPlan) => port?.pathFrom(tap) ?? direct;
		return { maps: this.maps, plan: this.plan, pathOf };
	}

	private attach(taps: readonly TapPlan[]): AttachedTap[] {
		return attachTaps(this.context, taps, this.spec.hook !== undefined, this.notice);
	}

	private openReader(): SlabReader | null {
		const { destination } = this.plan;
		if (destination.type === 'port' || destination.type === 'mirror-port') return null;
		const format =
			destination.type === 'frames'
				? ({ format: 'raw' } as const)
				: PcapngSink.drainFormat(this.plan, destination, this.startMs);
		return new SlabReader(this.maps, tapCapacity(this.plan), format);
	}

	/** Opens the file, if the plan has one, and starts to fill it. */
	async start(): Promise<void> {
		if (this.plan.destination.type !== 'pcapng' || !this.reader) return;
		const ledgers = () => this.tapStates();
		const { destination } = this.plan;
		this.sink = new PcapngSink(this.plan, destination, this.reader, this.startMs, ledgers);
		try {
			await this.sink.open();
		} catch (error) {
			await this.end('failed', error);
			throw error;
		}
		this.consuming = this.sink.run().then(
			(reason) => {
				if (reason) void this.end(reason);
			},
			(error) => void this.end('failed', error),
		);
	}

	private startTimers(): void {
		const { durationMs, count } = this.plan;
		if (durationMs !== null)
			this.timers.push(setTimeout(() => void this.end('duration'), durationMs));
		if (count !== null)
			this.timers.push(
				setInterval(() => {
					if (this.maps.budget() <= 0) void this.end('count');
				}, COUNT_POLL_MS),
			);
		const isForeign = this.plan.taps.some((tap) => tap.path !== null) || this.foreignDestination();
		if (isForeign || this.plan.follow.length)
			this.timers.push(setInterval(() => this.checkForeign(), FOREIGN_POLL_MS));
		if (this.port)
			this.timers.push(setInterval(() => this.port?.refresh(readLinks()), PATH_POLL_MS));
		// Without rings nothing else keeps the event loop alive.
		if (!this.reader) this.timers.push(setInterval(() => {}, 2 ** 30));
	}

	private linksChanged(): void {
		if (this.ending) return;
		const links = readLinks();
		const has = (ifindex: number) => links.some((link) => link.ifindex === ifindex);
		this.endTaps((tap) => tap.path === null && !has(tap.ifindex));
		if (this.plan.follow.length) this.follower.look();
		if (this.endedWithSources()) return;
		const { destination } = this.plan;
		if (this.port && !this.destinationExists(destination, has))
			return void this.end('destination_gone');
		this.port?.refresh(links);
		if (destination.type !== 'port') return;
		const port = links.find((link) => link.ifindex === destination.ifindex);
		if (!port) return void this.end('destination_gone');
		this.portChanged(destination.interface, !isUp(port));
	}

	private endTaps(isGone: (tap: TapPlan) => boolean): void {
		const gone = this.taps.filter((each) => !each.ended && isGone(each.plan));
		for (const tap of gone) tap.ended = true;
		const live = new Set(this.taps.filter((tap) => !tap.ended).map((tap) => tap.plan.netns));
		for (const { plan } of gone)
			if (plan.path !== null && !live.has(plan.netns)) this.port?.leave(plan.netns);
		for (const source of new Set(gone.map((tap) => tap.plan.source)))
			this.notice({ code: 'source_gone', message: `${source} is gone: its taps have ended` });
	}

	private endedWithSources(): boolean {
		if (this.plan.follow.length || !this.taps.every((tap) => tap.ended)) return false;
		void this.end('sources_gone');
		return true;
	}

	/** Interfaces in other namespaces: nobody tells us of those. */
	private checkForeign(): void {
		if (this.ending) return;
		this.endTaps((tap) => tap.path !== null && !foreignExists(tap));
		if (this.endedWithSources()) return;
		const target = this.foreignDestination();
		if (target && !foreignExists(target)) return void this.end('destination_gone');
		if (this.plan.follow.some(isContainer)) this.follower.look();
	}

	/** The mirror port itself, which somebody may have removed, and the interface that a user named. */
	private destinationExists(
		destination: DestinationPlan,
		has: (ifindex: number) => boolean,
	): boolean {
		if (destination.type !== 'mirror-port' || !this.port) return true;
		const target = destination.interface;
		return this.port.isThere(has) && (!target || target.path !== null || has(target.ifindex));
	}

	private foreignDestination(): InterfacePlan | null {
		const { destination } = this.plan;
		const target = destination.type === 'mirror-port' ? destination.interface : null;
		return target?.path ? target : null;
	}

	private portChanged(port: string, down: boolean): void {
		if (down === this.portIsDown) return;
		this.portIsDown = down;
		this.maps.setPortDown(down);
		this.notice(
			down
				? { code: 'destination_down', message: `${port} went down: copies are lost until it is up` }
				: { code: 'destination_up', message: `${port} is up again` },
		);
	}

	private end(reason: EndReason, error?: unknown): Promise<void> {
		this.ending ??= this.shutDown(reason, error);
		return this.ending;
	}

	private async shutDown(reason: EndReason, error: unknown): Promise<void> {
		for (const timer of this.timers) clearInterval(timer);
		this.abort?.signal.removeEventListener('abort', this.abort.listener);
		this.monitor.close();
		let failure = error;
		try {
			await this.follower.close();
			detachTaps(this.taps);
			await this.maps.quiesce();
			if (this.reader) await this.emptyRings(this.reader, reason);
			await this.drainPort();
			this.finalWords = this.maps.counters(this.taps.length);
			await this.sink?.close();
		} catch (late) {
			failure ??= late;
		}
		this.finalWords ??= this.maps.counters(this.taps.length);
		this.reader?.close();
		for (const tap of this.taps) tap.native.close();
		this.port?.close();
		this.maps.close();
		if (failure !== undefined) this.settle.reject(failure);
		else this.settle.resolve({ reason, ...this.state() });
	}

	/** Waits for the copies that are in the mirror port's queue. */
	private async drainPort(): Promise<void> {
		const end = Date.now() + PORT_DRAIN_MS;
		const backlog = () => this.state().ledger.in_flight.frames;
		while (this.port && backlog() > 0 && Date.now() < end)
			await new Promise((resolve) => setTimeout(resolve, 2));
	}

	/** Lets the consumer have what is left, if there is one that still wants it. */
	private async emptyRings(reader: SlabReader, reason: EndReason): Promise<void> {
		const isFile = this.plan.destination.type === 'pcapng';
		// A program that closes from inside its own loop would wait for itself.
		const wanted = isFile ? !this.sink?.broken && reason !== 'files' : reason !== 'closed';
		if (wanted && this.consuming) {
			reader.finish();
			const late = new Promise((resolve) => setTimeout(resolve, FLUSH_MS, 'late').unref());
			if (!isFile) await this.consuming;
			else if ((await Promise.race([this.consuming, late])) === 'late') this.sink?.giveUp();
		}
		reader.abandon(this.sink?.broken ? 'write_failed' : 'session_ended');
		if (isFile) await this.consuming;
	}
}

/** What update() takes; null takes a part away. */
export type SelectionChange = {
	[K in 'filter' | 'sample' | 'limit']?: CommonSpec[K] | null;
};

function merge(
	now: Selection,
	change: SelectionChange,
): Pick<CommonSpec, 'filter' | 'sample' | 'limit'> {
	const filter = change.filter === undefined ? now.filter?.text : change.filter;
	const sample = change.sample === undefined ? now.sample : change.sample;
	const limit = change.limit === undefined ? now.limit : change.limit;
	return {
		...(filter ? { filter } : {}),
		...(sample ? { sample } : {}),
		...(limit ? { limit } : {}),
	};
}

function openMaps(plan: Plan): NativeMaps {
	try {
		return new native.Maps({
			taps: tapCapacity(plan),
			rings: plan.rings?.count ?? 0,
			ringBytes: plan.rings?.bytes ?? 0,
		});
	} catch (cause) {
		throw loadError(cause);
	}
}

async function open(plan: Plan, spec: CommonSpec): Promise<Session> {
	if (plan.destination.type === 'mirror-port') await resolveNeighbour(plan.destination);
	const session = new Session(plan, spec);
	await session.start();
	return session;
}

/**
 * Mirrors interfaces to another one, inside the kernel.
 * @throws XspanError; nothing stays attached
 */
export async function mirror(spec: MirrorSpec, host: Host = readHost()): Promise<Session> {
	return open(planMirror(spec, host), spec);
}

/**
 * Captures interfaces to a pcapng file, or into this program (frames()).
 * @throws XspanError; nothing stays attached
 */
export async function capture(spec: CaptureSpec, host: Host = readHost()): Promise<Session> {
	return open(planCapture(spec, host), spec);
}
