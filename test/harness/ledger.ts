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

/** Recomputes the sums of a final line, for the session and for each tap, and of its taps. */
export function expectBalanced(line: Line): void {
	expectSum(line.ledger, 'the session');
	for (const tap of line.taps) expectSum(tap.ledger, `${tap.source} ${tap.direction}`);
	for (const name of ['seen', 'delivered', 'lost'] as const)
		for (const unit of ['frames', 'bytes'] as const) {
			const sum = line.taps.reduce((total, tap) => total + tap.ledger[name][unit], 0);
			expect(sum, `${name} ${unit} of all taps`).toBe(line.ledger[name][unit]);
		}
}
