/** The --json lines of a session, and the sum that every last one must pass. */
import { expect } from 'vitest';

export interface Count {
	frames: number;
	bytes: number;
}

export interface Ledger {
	seen: Count;
	filtered: Count;
	sampled_out: Count;
	rate_limited: Count;
	delivered: Count;
	lost: Count;
	lost_by: Record<string, Count>;
	clone_errno?: number;
}

export interface Tap {
	source: string;
	ifindex: number;
	direction: 'rx' | 'tx';
	hook: string;
	ended: boolean;
	ledger: Ledger;
}

export interface Line {
	time: string;
	session: string;
	end?: string;
	ledger: Ledger;
	taps: Tap[];
	/** Sessions with a mirror port. */
	mirror_port?: {
		received: Count;
		delivered: Count;
		truncated: Count;
		lost_by: Record<string, Count>;
	};
}

/** The lines that are complete. Throws where one is not JSON. */
export function parseLines(text: string): Line[] {
	return text
		.split('\n')
		.slice(0, -1)
		.filter((line) => line.startsWith('{"time"'))
		.map((line) => JSON.parse(line) as Line);
}

function expectSum(ledger: Ledger, where: string): void {
	for (const unit of ['frames', 'bytes'] as const) {
		const { filtered, sampled_out, rate_limited, delivered, lost } = ledger;
		const parts = [filtered, sampled_out, rate_limited, delivered, lost];
		const sum = parts.reduce((total, part) => total + part[unit], 0);
		expect(sum, `${unit} of ${where} add up`).toBe(ledger.seen[unit]);
		const reasons = Object.values(ledger.lost_by).reduce((total, each) => total + each[unit], 0);
		expect(reasons, `lost ${unit} of ${where} have reasons`).toBe(lost[unit]);
	}
}

const plus = (a: Count, b: Count): Count => ({
	frames: a.frames + b.frames,
	bytes: a.bytes + b.bytes,
});

const sumOf = (counts: Count[]): Count => counts.reduce(plus, { frames: 0, bytes: 0 });

/** Behind the taps: what they delivered arrived at the mirror port or is named as lost before it. */
function expectPortBalanced(line: Line, port: NonNullable<Line['mirror_port']>): void {
	const accepted = sumOf(line.taps.map((tap) => tap.ledger.delivered));
	const refused = sumOf(line.taps.map((tap) => tap.ledger.lost_by['port_queue'] ?? sumOf([])));
	const queue = line.ledger.lost_by['port_queue'] ?? sumOf([]);
	expect(plus(port.received, queue), 'the way into the mirror port').toEqual(
		plus(accepted, refused),
	);
	expect(sumOf([port.delivered, ...Object.values(port.lost_by)]), 'the mirror port').toEqual(
		port.received,
	);
	expect(line.ledger.delivered).toEqual(port.delivered);
}

/** Recomputes the sums of a final line, for the session and for each tap, and of its taps. */
export function expectBalanced(line: Line): void {
	expectSum(line.ledger, 'the session');
	for (const tap of line.taps) expectSum(tap.ledger, `${tap.source} ${tap.direction}`);
	if (line.mirror_port) return expectPortBalanced(line, line.mirror_port);
	for (const name of ['seen', 'delivered', 'lost'] as const)
		expect(sumOf(line.taps.map((tap) => tap.ledger[name])), `${name} of all taps`).toEqual(
			line.ledger[name],
		);
}
