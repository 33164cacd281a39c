/** Taps: loaded, attached, and gone again, also when something fails half-way. */
import { Direction } from '../abi.gen.ts';
import { hasCode, isSystemError, type SystemError, XspanError } from '../errors.ts';
import { translate } from '../filter/translate.ts';
import {
	type NativeHook,
	type NativeMaps,
	type NativeNetns,
	type NativeTap,
	native,
} from '../native.ts';
import type { Plan, Selection, TapPlan } from '../plan/plan.ts';
import { HOW_TO_GET_CAPABILITIES, missingCapabilities } from '../privileges.ts';
import type { Notice } from '../spec/spec.ts';
import { type ClsactRecord, closeQdisc, forget, openQdisc, rememberClsact } from './leftovers.ts';
import { type ClonePath, encodeConfig } from './tap-config.ts';

export interface AttachedTap {
	plan: TapPlan;
	/** What it came to be, see HookChoice. */
	hook: NativeHook;
	native: NativeTap;
	/** Where its clsact filter is, which would outlive a killed process. */
	clsact: ClsactRecord | null;
	/** The interface is gone. */
	ended: boolean;
}

/** What all taps of a session share. */
export interface TapContext {
	maps: NativeMaps;
	plan: Plan;
	pathOf(tap: TapPlan): ClonePath;
}

/** Newest first: the older ones are for kernels that refuse the newer (see enum hook in bpf/frame.h). */
const TC_PROGRAMS = ['xspan_tc', 'xspan_tc_6_1'];
/** Those that this kernel has not refused while it took a later one. */
let tcPrograms = TC_PROGRAMS;

function filterFor({ link, source }: TapPlan, { filter }: Selection) {
	if (!filter) return null;
	const program = filter.programs[link];
	if (!program) throw new Error(`the filter was not compiled for ${source} (${link})`);
	return program;
}

/** @throws XspanError with the verifier's log as details */
export function loadTap(
	{ maps, plan, pathOf }: TapContext,
	tap: TapPlan,
	selection: Selection = plan.selection,
): NativeTap {
	const config = encodeConfig(plan, tap, selection, pathOf(tap));
	const target = {
		hook: tap.hook === 'xdp' ? 'xdp' : 'tc',
		direction: tap.direction,
		tap: tap.index,
	} as const;
	const program = filterFor(tap, selection);
	const front = program ? { filter: translate(program, target).encode() } : {};
	const programs = tap.hook === 'xdp' ? ['xspan_xdp'] : tcPrograms;
	let refusal: unknown;
	for (const name of programs) {
		try {
			const loaded = new native.Tap(maps, { program: name, config, ...front });
			if (tap.hook !== 'xdp') tcPrograms = TC_PROGRAMS.slice(TC_PROGRAMS.indexOf(name));
			return loaded;
		} catch (error) {
			if (isForbidden(error)) throw loadError(error);
			refusal = error;
		}
	}
	throw loadError(refusal);
}

/** A missing capability; the verifier's own EPERM comes with a log. */
const isForbidden = (error: unknown): boolean =>
	isSystemError(error) &&
	error.code === 'EPERM' &&
	!(error.verifierLog ?? '').includes('BEGIN PROG LOAD LOG');

/** The filter has been translated, so only its size can be in the way. */
function filterError(cause: SystemError): XspanError {
	return new XspanError(
		'unsupported',
		'filter_too_large',
		`this kernel refuses the filter: ${cause.message}`,
		{
			cause,
			hint: 'shorten the expression: nets instead of hosts, portranges instead of ports',
			...(cause.verifierLog === undefined ? {} : { details: cause.verifierLog }),
		},
	);
}

export function loadError(cause: unknown): XspanError {
	const missing = missingCapabilities();
	if (isForbidden(cause) || (missing.length > 0 && hasCode(cause, 'EPERM', 'EACCES')))
		return capabilityError('loading BPF programs', missing, cause);
	if (isSystemError(cause) && cause.operation === 'loading the filter') return filterError(cause);
	const message = cause instanceof Error ? cause.message : String(cause);
	const details = isSystemError(cause) ? cause.verifierLog : undefined;
	return new XspanError(
		'unsupported',
		'load_failed',
		`this kernel refuses the tap program: ${message}`,
		{
			cause,
			hint: 'xspan needs Linux 6.1 or later with BTF; `xspan doctor` says more, --debug shows the log of the verifier',
			...(details === undefined ? {} : { details }),
		},
	);
}

function capabilityError(what: string, missing: string[], cause: unknown): XspanError {
	const lacking = missing.length ? `: ${missing.join(', ')} missing` : '';
	return new XspanError('permission', 'missing_capability', `${what} is not permitted${lacking}`, {
		cause,
		hint: HOW_TO_GET_CAPABILITIES,
	});
}

function programName(id: number | undefined): string {
	const program = id === undefined ? null : native.program(id);
	return program ? `"${program.name}" (id ${program.id})` : 'of unknown name';
}

function attachError(tap: TapPlan, cause: unknown): XspanError {
	if (tap.hook === 'xdp' && hasCode(cause, 'EBUSY', 'EEXIST')) {
		const link = native.links().find((each) => each.ifindex === tap.ifindex);
		return new XspanError(
			'conflict',
			'xdp_occupied',
			`${tap.source} already has the XDP program ${programName(link?.xdpProgramId)}`,
			{ cause, hint: 'leave out --hook xdp: at tcx xspan works beside it' },
		);
	}
	if (hasCode(cause, 'EPERM'))
		return capabilityError(`attaching to ${tap.source}`, missingCapabilities(), cause);
	if (hasCode(cause, 'ENODEV'))
		return new XspanError('notFound', 'interface_gone', `${tap.source} has just disappeared`, {
			cause,
		});
	if (tap.hook === 'tcx' && hasCode(cause, 'EINVAL', 'EOPNOTSUPP'))
		return new XspanError(
			'unsupported',
			'no_tcx',
			'this kernel has no tcx, which came with Linux 6.6',
			{
				cause,
				hint: 'use --hook clsact',
			},
		);
	const message = cause instanceof Error ? cause.message : String(cause);
	return new XspanError(
		'unsupported',
		'attach_failed',
		`cannot attach to ${tap.source} at ${tap.hook}: ${message}`,
		{
			cause,
		},
	);
}

/** The kernel chooses: in front of the filters that it chose for, too. */
const ANY_PRIORITY = 0;

/**
 * The priority at which a filter comes before those that are there. Among classifiers of one priority
 * the newest is first, if the kernel takes it there.
 */
function priorityInFront(ifindex: number, direction: number): number {
	const others = native.clsactFilters(ifindex, direction).map((filter) => filter.priority);
	return others.length ? Math.max(Math.min(...others) - 1, 1) : ANY_PRIORITY;
}

function attachInFront(tap: AttachedTap, ifindex: number, direction: number) {
	const where = { hook: 'clsact', ifindex, direction } as const;
	const priority = priorityInFront(ifindex, direction);
	try {
		return tap.native.attach({ ...where, priority });
	} catch (error) {
		if (priority === ANY_PRIORITY) throw error;
		return tap.native.attach({ ...where, priority: ANY_PRIORITY });
	}
}

function attachClsact(tap: AttachedTap): ClsactRecord {
	const { ifindex } = tap.plan;
	const direction = Direction[tap.plan.direction];
	const hasEgress = openQdisc(ifindex);
	// The kernel would put the filter among those for received frames, without a word.
	if (!hasEgress && direction === Direction.tx) throw noEgress(tap.plan);
	try {
		return rememberClsact({ ...attachInFront(tap, ifindex, direction), ifindex, direction });
	} catch (error) {
		tap.native.detach();
		closeQdisc(ifindex);
		throw error;
	}
}

/** The namespace of a tap, open as long as `use` runs; undefined: ours. */
function inNetns(tap: TapPlan, use: (netns: NativeNetns | undefined) => void): void {
	if (tap.path === null) return use(undefined);
	const netns = openNetns(tap, tap.path);
	try {
		if (netns.inode() !== tap.netns) throw namespaceGone(tap);
		use(netns);
	} finally {
		netns.close();
	}
}

function openNetns(tap: TapPlan, path: string): NativeNetns {
	try {
		return new native.Netns(path);
	} catch (error) {
		if (hasCode(error, 'ENOENT', 'ESRCH')) throw namespaceGone(tap);
		throw error;
	}
}

const namespaceGone = (tap: TapPlan): XspanError =>
	new XspanError(
		'notFound',
		'interface_gone',
		`the network namespace of ${tap.source} has just disappeared`,
	);

const noEgress = (tap: TapPlan): XspanError =>
	new XspanError(
		'conflict',
		'ingress_qdisc',
		`${tap.source} has a qdisc "ingress" of another program, at which sent frames cannot be seen`,
		{ hint: 'use --direction rx, or tcx (Linux 6.6), or make it a clsact: tc qdisc' },
	);

function attachAs(tap: AttachedTap, hook: NativeHook): void {
	const { ifindex, direction, path } = tap.plan;
	if (hook === 'clsact' && path !== null) throw foreignClsact(tap.plan);
	if (hook === 'clsact') tap.clsact = attachClsact(tap);
	else
		inNetns(tap.plan, (netns) =>
			tap.native.attach({ hook, ifindex, direction: Direction[direction], netns }),
		);
	tap.hook = hook;
}

/** A filter there would outlive a killed process, where nobody would look for it. */
const foreignClsact = (tap: TapPlan): XspanError =>
	new XspanError(
		'unsupported',
		'foreign_clsact',
		`${tap.source} is in another network namespace, where only tcx is used, which came with Linux 6.6`,
		{ hint: 'run xspan in that namespace: nsenter --net=...' },
	);

/** Tries what the plan says, then what comes nearest where this kernel or driver has it not. */
function attach(tap: AttachedTap, hookIsForced: boolean, notice: (n: Notice) => void): void {
	const { hook, source } = tap.plan;
	try {
		attachAs(tap, hook);
	} catch (error) {
		if (hook === 'tcx' && !hookIsForced && hasCode(error, 'EINVAL', 'EOPNOTSUPP')) {
			attachAs(tap, 'clsact');
			notice({ code: 'no_tcx', message: `tcx needs Linux 6.6: using clsact on ${source}` });
		} else if (hook === 'xdp' && hasCode(error, 'EOPNOTSUPP')) {
			attachAs(tap, 'xdp-generic');
			notice({
				code: 'generic_xdp',
				message: `the driver of ${source} has no native XDP: using generic XDP, which is slower than tcx`,
			});
		} else {
			throw error;
		}
	}
}

/** Attaches all of these taps, or none. */
export function attachTaps(
	context: TapContext,
	plans: readonly TapPlan[],
	hookIsForced: boolean,
	notice: (n: Notice) => void,
): AttachedTap[] {
	const taps: AttachedTap[] = [];
	const said = new Set<string>(); // both directions of a source fall back alike: once is enough
	const noticeOnce = (each: Notice) => {
		if (!said.has(each.message)) notice(each);
		said.add(each.message);
	};
	try {
		for (const tap of plans) {
			const loaded = { hook: tap.hook, native: loadTap(context, tap) };
			const attached: AttachedTap = { plan: tap, ...loaded, clsact: null, ended: false };
			taps.push(attached);
			attach(attached, hookIsForced, noticeOnce);
		}
	} catch (error) {
		detachTaps(taps);
		for (const tap of taps) tap.native.close();
		const failed = taps.at(-1)?.plan;
		throw error instanceof XspanError || !failed ? error : attachError(failed, error);
	}
	return taps;
}

/**
 * Puts another selection in the place of the present one, tap by tap, each between two frames.
 * Nothing is attached before everything is loaded. Returns the programs that were replaced: frames
 * may still be in them until Maps.quiesce().
 * @throws XspanError; the session goes on as it was
 */
export function replaceTaps(
	context: TapContext,
	taps: readonly AttachedTap[],
	selection: Selection,
): NativeTap[] {
	const live = taps.filter((tap) => !tap.ended);
	const loaded: NativeTap[] = [];
	try {
		for (const tap of live) loaded.push(loadTap(context, tap.plan, selection));
	} catch (error) {
		for (const tap of loaded) tap.close();
		throw error;
	}
	const swapped: { tap: AttachedTap; old: NativeTap }[] = [];
	for (const [index, tap] of live.entries()) {
		const next = loaded[index] as NativeTap;
		try {
			next.takeOver(tap.native);
		} catch (error) {
			if (hasCode(error, 'ENODEV', 'ENOLINK')) {
				next.close(); // the interface has just gone, and the tap with it
				continue;
			}
			for (const { tap: each, old } of swapped) {
				old.takeOver(each.native);
				each.native = old;
			}
			for (const each of loaded) each.close();
			throw error;
		}
		swapped.push({ tap, old: tap.native });
		tap.native = next;
	}
	return swapped.map(({ old }) => old);
}

export function detachTaps(taps: readonly AttachedTap[]): void {
	for (const tap of taps) tap.native.detach();
	for (const { clsact } of taps) {
		if (!clsact) continue;
		forget(clsact);
		closeQdisc(clsact.ifindex);
	}
}
