/** The counters of a session. Every frame that was seen is in exactly one of the others. */
import { CountersLayout, CountLayout, Lost, PortCountersLayout, PortLost } from './abi.gen.ts';

export interface Count {
	/** A GSO super-frame counts as its segments. */
	frames: number;
	/** As the tap saw them: VLAN tag included, FCS not. */
	bytes: number;
}

export type KernelLostReason = Exclude<keyof typeof Lost, 'kinds'>;

/** Reasons that only user space can know. */
export type UserLostReason = 'write_failed' | 'session_ended';

/** Reasons of the mirror port, behind the taps. */
export type PortLostReason = Exclude<keyof typeof PortLost, 'kinds'>;

export type LostReason = KernelLostReason | PortLostReason | UserLostReason;

/**
 * seen = filtered + sampled_out + rate_limited + delivered + lost + in_flight, frames and bytes.
 * in_flight is what the session holds at this moment (rings, batches); 0 once it has ended.
 */
export interface Ledger {
	seen: Count;
	filtered: Count;
	sampled_out: Count;
	rate_limited: Count;
	/** Port: accepted by the destination's queue. File: written. Frames: handed to the program. */
	delivered: Count;
	lost: Count;
	in_flight: Count;
	lost_by: Partial<Record<LostReason, Count>>;
	/** Of the delivered: cut, because they did not fit the MTU. Only sessions with a mirror port have it. */
	truncated?: Count;
	/** errno of the last lost_by.clone_failed. */
	clone_errno?: number;
}

const WORDS = CountersLayout.size / 8;
const COUNT_WORDS = CountLayout.size / 8;

const LOST_REASONS = (Object.entries(Lost) as [keyof typeof Lost, number][])
	.filter(([reason]) => reason !== 'kinds')
	.map(([reason, index]) => ({ reason: reason as KernelLostReason, index }));

type CountField = 'seen' | 'filtered' | 'sampled_out' | 'rate_limited' | 'delivered';

const zero = (): Count => ({ frames: 0, bytes: 0 });

function add(to: Count, count: Count): void {
	to.frames += count.frames;
	to.bytes += count.bytes;
}

/** What became of a tap's frames after the ring: the half of the ledger that user space keeps. */
export class UserCounts {
	readonly delivered: Count[];
	readonly lost: Record<UserLostReason, Count[]>;

	constructor(taps: number) {
		const each = () => Array.from({ length: taps }, zero);
		this.delivered = each();
		this.lost = { write_failed: each(), session_ended: each() };
	}

	/** counts: frames and bytes of tap 0, of tap 1, ... as the drain thread adds them up. */
	addDelivered(counts: Float64Array): void {
		this.addTo(this.delivered, counts);
	}

	addLost(reason: UserLostReason, counts: Float64Array): void {
		this.addTo(this.lost[reason], counts);
	}

	private addTo(rows: Count[], counts: Float64Array): void {
		rows.forEach((row, tap) => {
			row.frames += counts[2 * tap] as number;
			row.bytes += counts[2 * tap + 1] as number;
		});
	}
}

function kernelCount(words: Float64Array, tap: number, offset: number): Count {
	const at = tap * WORDS + offset / 8;
	return { frames: words[at] as number, bytes: words[at + 1] as number };
}

/**
 * The ledger of one tap.
 * @param words the addon's Maps.counters()
 * @param user null when the kernel delivers by itself
 */
export function tapLedger(words: Float64Array, tap: number, user: UserCounts | null): Ledger {
	const fields = CountersLayout.fields;
	const field = (name: CountField) => kernelCount(words, tap, fields[name].offset);
	const ledger: Ledger = {
		seen: field('seen'),
		filtered: field('filtered'),
		sampled_out: field('sampled_out'),
		rate_limited: field('rate_limited'),
		delivered: user ? { ...(user.delivered[tap] as Count) } : field('delivered'),
		lost: zero(),
		in_flight: zero(),
		lost_by: {},
	};
	for (const { reason, index } of LOST_REASONS) {
		const offset = fields.lost.offset + index * COUNT_WORDS * 8;
		countLost(ledger, reason, kernelCount(words, tap, offset));
	}
	for (const [reason, rows] of Object.entries(user?.lost ?? {}))
		countLost(ledger, reason as UserLostReason, rows[tap] as Count);
	ledger.in_flight = remainder(ledger);
	const errno = words[tap * WORDS + fields.clone_errno.offset / 8] as number;
	return errno ? { ...ledger, clone_errno: errno } : ledger;
}

function countLost(ledger: Ledger, reason: LostReason, count: Count): void {
	if (!count.frames) return;
	ledger.lost_by[reason] = count;
	add(ledger.lost, count);
}

function remainder(ledger: Ledger): Count {
	const rest = { ...ledger.seen };
	for (const name of ['filtered', 'sampled_out', 'rate_limited', 'delivered', 'lost'] as const) {
		rest.frames -= ledger[name].frames;
		rest.bytes -= ledger[name].bytes;
	}
	return rest;
}

const SUMMED = [
	'seen',
	'filtered',
	'sampled_out',
	'rate_limited',
	'delivered',
	'lost',
	'in_flight',
] as const;

export function sumLedgers(ledgers: readonly Ledger[]): Ledger {
	const total: Ledger = {
		seen: zero(),
		filtered: zero(),
		sampled_out: zero(),
		rate_limited: zero(),
		delivered: zero(),
		lost: zero(),
		in_flight: zero(),
		lost_by: {},
	};
	for (const ledger of ledgers) {
		for (const name of SUMMED) add(total[name], ledger[name]);
		for (const [reason, count] of Object.entries(ledger.lost_by)) {
			total.lost_by[reason as LostReason] ??= zero();
			add(total.lost_by[reason as LostReason] as Count, count);
		}
		if (ledger.clone_errno) total.clone_errno = ledger.clone_errno;
	}
	return total;
}

/** What the mirror port has counted. received = delivered + lost, bytes as before truncation. */
export interface PortLedger {
	/** From the taps. */
	received: Count;
	/** Taken by the uplink. */
	delivered: Count;
	truncated: Count;
	lost_by: Partial<Record<PortLostReason, Count>>;
}

const PORT_LOST_REASONS = (Object.entries(PortLost) as [keyof typeof PortLost, number][])
	.filter(([reason]) => reason !== 'kinds')
	.map(([reason, index]) => ({ reason: reason as PortLostReason, index }));

/** @param words the addon's MirrorPort.counters() */
export function portLedger(words: Float64Array): PortLedger {
	const at = (offset: number): Count => ({
		frames: words[offset / 8] as number,
		bytes: words[offset / 8 + 1] as number,
	});
	const { fields } = PortCountersLayout;
	const lost = PORT_LOST_REASONS.map(
		({ reason, index }) => [reason, at(fields.lost.offset + index * COUNT_WORDS * 8)] as const,
	).filter(([, count]) => count.frames > 0);
	return {
		received: at(fields.received.offset),
		delivered: at(fields.delivered.offset),
		truncated: at(fields.truncated.offset),
		lost_by: Object.fromEntries(lost),
	};
}

/**
 * What the taps handed to the mirror port's queue and did not arrive at its end.
 * @param dropped frames that are known to be lost; undefined: everything that is missing is
 */
function missingIn(taps: Ledger, port: PortLedger, dropped: number | undefined): Count {
	const frames = taps.delivered.frames - port.received.frames;
	const bytes = taps.delivered.bytes - port.received.bytes;
	if (dropped === undefined || dropped >= frames) return { frames, bytes };
	return { frames: dropped, bytes: Math.round((bytes * dropped) / frames) };
}

/**
 * The ledger of a session with a mirror port: what the taps "delivered" has only come as far as that.
 * @param dropped what the mirror port's device says that it dropped, while the session lives
 */
export function throughMirrorPort(taps: Ledger, port: PortLedger, dropped?: number): Ledger {
	const ledger: Ledger = {
		...taps,
		delivered: port.delivered,
		lost: { ...taps.lost },
		lost_by: { ...taps.lost_by },
		truncated: port.truncated,
	};
	const missing = missingIn(taps, port, dropped);
	const queue = { ...(taps.lost_by.port_queue ?? zero()) };
	add(queue, missing);
	add(ledger.lost, missing);
	if (queue.frames || queue.bytes) ledger.lost_by.port_queue = queue;
	for (const [reason, count] of Object.entries(port.lost_by)) {
		ledger.lost_by[reason as PortLostReason] = count;
		add(ledger.lost, count);
	}
	ledger.in_flight = remainder(ledger);
	return ledger;
}

/** Whether nothing is unaccounted for. Only an ended session has to balance. */
export function balances(ledger: Ledger): boolean {
	return ledger.in_flight.frames === 0 && ledger.in_flight.bytes === 0;
}
