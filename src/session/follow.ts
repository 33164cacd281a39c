/** Taps that come and go with their interfaces, while a session lives. */
import { hasCode, XspanError } from '../errors.ts';
import { native } from '../native.ts';
import { type Host, readHost, type TapPlan, tapsOf } from '../plan/plan.ts';
import { sourcesNow } from '../plan/sources.ts';
import type { CommonSpec } from '../spec/spec.ts';
import { readOwnTopology } from '../topology/read.ts';
import type { AttachedTap } from './taps.ts';

/** Taps that a session with something to follow has room for, gone ones included. */
const FOLLOWED_TAPS = 1024;

export const tapCapacity = (taps: number, follows: boolean): number =>
	follows ? Math.max(FOLLOWED_TAPS, 4 * taps) : taps;

const isContainer = (expression: string): boolean => expression.startsWith('container:');

/** Patterns and bridges are of this namespace: the others need not be read for them. */
function hostFor(expressions: readonly string[]): Host {
	const host = readHost();
	return expressions.some(isContainer) ? host : { ...host, topology: readOwnTopology };
}

const keyOf = (tap: TapPlan): string => `${tap.netns}/${tap.ifindex}/${tap.direction}`;

/** Taps for what matches by now and is not tapped; their number is given when they are attached. */
export function missingTaps(
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
export function foreignExists({ path, netns, ifindex }: TapPlan): boolean {
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
export const isGone = (error: unknown): boolean =>
	error instanceof XspanError && error.code === 'interface_gone';
