/** Taps that come and go with their interfaces, while a session lives. */
import { hasCode, XspanError } from '../errors.ts';
import { native } from '../native.ts';
import { type Host, type Plan, readHost, type TapPlan, tapsOf } from '../plan/plan.ts';
import { sourcesNow } from '../plan/sources.ts';
import type { CommonSpec, Notice } from '../spec/spec.ts';
import { readOwnTopology } from '../topology/read.ts';
import type { AttachedTap } from './taps.ts';

/** For how long new interfaces are tapped before anything else has its turn. */
const TURN_MS = 10;

/** Taps that a session with something to follow has room for, gone ones included. */
const FOLLOWED_TAPS = 1024;

export const tapCapacity = ({ taps, follow }: Plan): number =>
	follow.length ? Math.max(FOLLOWED_TAPS, 4 * taps.length) : taps.length;

export const isContainer = (expression: string): boolean => expression.startsWith('container:');

/** Patterns and bridges are of this namespace: the others need not be read for them. */
function hostFor(expressions: readonly string[]): Host {
	const host = readHost();
	return expressions.some(isContainer) ? host : { ...host, topology: readOwnTopology };
}

const keyOf = (tap: TapPlan): string => `${tap.netns}/${tap.ifindex}/${tap.direction}`;

/** Taps for what matches by now and is not tapped; their number is given when they are attached. */
function missingTaps(
	spec: CommonSpec,
	follow: readonly string[],
	taps: readonly AttachedTap[],
): TapPlan[] {
	const live = taps.filter((tap) => !tap.ended).map((tap) => tap.plan);
	const sources = sourcesNow(spec, follow, hostFor(follow)).filter(
		(each) => each.link === 'ethernet',
	);
	const tapped = new Set(live.map(keyOf));
	return tapsOf(spec, sources).filter((tap) => !tapped.has(keyOf(tap)));
}

/** Whether an interface in another namespace is still there, as long as anybody is. */
export function foreignExists({
	path,
	netns,
	ifindex,
}: Pick<TapPlan, 'path' | 'netns' | 'ifindex'>): boolean {
	if (path === null) return true;
	try {
		const handle = new native.Netns(path);
		try {
			return handle.inode() === netns && handle.links().some((link) => link.ifindex === ifindex);
		} finally {
			handle.close();
		}
	} catch (error) {
		if (hasCode(error, 'ENOENT', 'ESRCH')) return false;
		throw error;
	}
}

/** Gone again before it was tapped: nothing to tell. */
const isGone = (error: XspanError): boolean => error.code === 'interface_gone';

export interface FollowerTasks {
	/** @throws XspanError */
	attach(tap: TapPlan): AttachedTap[];
	/** Right after its tap was attached, before anything else runs. */
	added(tap: TapPlan): void;
	notice(notice: Notice): void;
}

/** Taps what comes to match the expressions of a session. */
export class Follower {
	private readonly spec: CommonSpec;
	private readonly plan: Plan;
	private readonly taps: AttachedTap[];
	private readonly tasks: FollowerTasks;
	private looking: Promise<void> | null = null;
	private again = false;
	private closed = false;
	private isFull = false;

	/** taps: of the session; what is attached is added to them. */
	constructor(spec: CommonSpec, plan: Plan, taps: AttachedTap[], tasks: FollowerTasks) {
		this.spec = spec;
		this.plan = plan;
		this.taps = taps;
		this.tasks = tasks;
	}

	/** Something has changed. One round at a time; a change during one starts another. */
	look(): void {
		this.again = true;
		this.looking ??= this.rounds().finally(() => {
			this.looking = null;
		});
	}

	async close(): Promise<void> {
		this.closed = true;
		await this.looking;
	}

	private async rounds(): Promise<void> {
		while (this.again && !this.closed) {
			this.again = false;
			await this.round();
		}
	}

	/** Hundreds of interfaces may have come at once: others get their turn in between. */
	private async round(): Promise<void> {
		let turnEnds = Date.now() + TURN_MS;
		for (const tap of missingTaps(this.spec, this.plan.follow, this.taps)) {
			if (this.taps.length >= tapCapacity(this.plan)) return this.refuseMore();
			this.follow({ ...tap, index: this.taps.length });
			if (Date.now() < turnEnds) continue;
			await new Promise((resolve) => setImmediate(resolve));
			if (this.closed) return;
			turnEnds = Date.now() + TURN_MS;
		}
	}

	private follow(tap: TapPlan): void {
		const { attach, added, notice } = this.tasks;
		try {
			this.taps.push(...attach(tap));
			added(tap);
		} catch (error) {
			if (!(error instanceof XspanError)) throw error;
			if (!isGone(error)) notice({ code: error.code, message: error.message });
			return;
		}
		const known = this.taps.filter((each) => !each.ended && each.plan.source === tap.source);
		if (known.length === 1)
			notice({ code: 'source_added', message: `${tap.source} has come: it is tapped` });
	}

	private refuseMore(): void {
		if (this.isFull) return;
		this.isFull = true;
		this.tasks.notice({
			code: 'too_many_taps',
			message: `this session has had ${tapCapacity(this.plan)} taps: it follows no further interfaces`,
		});
	}
}
