/** Text for people: tables, numbers, errors. Data goes to stdout, everything else to stderr. */
import pc from 'picocolors';
import {
	type Count,
	type EndReason,
	EXIT,
	type Ledger,
	type LostReason,
	type Notice,
	type TapState,
	XspanError,
} from '../index.ts';

const colors = pc.createColors(
	process.env['NO_COLOR'] === undefined && process.stderr.isTTY === true,
);

/** For data on standard output: piped into a file or a pager, it stays plain. */
export const paint = pc.createColors(
	process.env['NO_COLOR'] === undefined && process.stdout.isTTY === true,
);

/** Prints an error and returns the exit code that belongs to it. */
export function printError(error: unknown, debug: boolean): number {
	if (!(error instanceof XspanError)) {
		console.error(
			`${colors.red('xspan: unexpected error:')} ${error instanceof Error ? error.message : String(error)}`,
		);
		if (debug) console.error(error);
		else console.error('this is a defect: --debug shows where');
		return EXIT.unexpected;
	}
	console.error(`${colors.red('xspan:')} ${error.message}`);
	if (error.hint) console.error(`${colors.dim('hint:')} ${error.hint}`);
	if (debug && error.details) console.error(error.details);
	if (debug) console.error(error.stack);
	return error.exitCode;
}

export function printNotice(notice: Notice): void {
	console.error(`${colors.yellow('note:')} ${notice.message}`);
}

export const bold = (text: string): string => colors.bold(text);
export const green = (text: string): string => colors.green(text);
export const yellow = (text: string): string => colors.yellow(text);
export const red = (text: string): string => colors.red(text);
export const dim = (text: string): string => colors.dim(text);

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];

export function formatBytes(bytes: number): string {
	let value = bytes;
	let unit = 0;
	for (; value >= 1024 && unit < UNITS.length - 1; unit++) value /= 1024;
	return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${UNITS[unit]}`;
}

export const formatNumber = (value: number): string =>
	String(value).replace(/\B(?=(\d{3})+$)/g, ',');

const LOST_TEXT: Record<LostReason, string> = {
	ring_full: 'the ring was full',
	load_failed: 'bytes could not be read',
	port_down: 'the port was down',
	port_gone: 'the port was gone',
	port_queue: "the port's queue or driver was full",
	no_memory: 'no memory for a clone',
	clone_failed: 'cloning failed',
	no_route: 'no route to the collector',
	no_neighbour: 'the next hop did not answer ARP or ND',
	uplink_down: 'the uplink was down',
	uplink_queue: "refused by the uplink's queue or driver",
	oversize: 'did not fit the MTU (--oversize drop)',
	encap_failed: 'headers could not be written',
	write_failed: 'writing failed',
	session_ended: 'the session ended first',
};

/** Rows of equal columns; the first to the left, numbers to the right. */
export function table(rows: readonly (readonly string[])[]): string {
	const widths = (rows[0] ?? []).map((_, column) =>
		Math.max(...rows.map((row) => row[column]?.length ?? 0)),
	);
	const line = (row: readonly string[]) =>
		row.map((cell, i) =>
			i < 2 ? cell.padEnd(widths[i] as number) : cell.padStart(widths[i] as number),
		);
	return rows.map((row) => line(row).join('  ').trimEnd()).join('\n');
}

const COLUMNS = ['seen', 'filtered', 'sampled_out', 'rate_limited', 'delivered', 'lost'] as const;

/** Columns that no session can fill yet, or that are empty, only make the others hard to read. */
function shownColumns(ledgers: readonly Ledger[]): (typeof COLUMNS)[number][] {
	const always = new Set(['seen', 'delivered', 'lost']);
	return COLUMNS.filter(
		(name) => always.has(name) || ledgers.some((ledger) => ledger[name].frames > 0),
	);
}

export function ledgerTable(total: Ledger, taps: readonly TapState[]): string {
	const columns = shownColumns(taps.map((tap) => tap.ledger));
	const cells = (ledger: Ledger) => columns.map((name) => formatNumber(ledger[name].frames));
	const rows = taps.map((tap) => [
		tap.source + (tap.ended ? ' (gone)' : ''),
		`${tap.direction} ${tap.hook}`,
		...cells(tap.ledger),
		formatBytes(tap.ledger.seen.bytes),
	]);
	const sum = ['total', '', ...cells(total), formatBytes(total.seen.bytes)];
	return table([
		['SOURCE', 'TAP', ...columns.map((name) => name.toUpperCase()), 'BYTES'],
		...rows,
		sum,
	]);
}

/** Not lost, and not whole. */
export function truncatedLines({ truncated }: Ledger): string[] {
	if (!truncated?.frames) return [];
	return [`${colors.yellow('cut')} ${formatNumber(truncated.frames)}: did not fit the MTU`];
}

export function lostLines(ledger: Ledger): string[] {
	return Object.entries(ledger.lost_by).map(([reason, count]) => {
		const errno =
			reason === 'clone_failed' && ledger.clone_errno ? ` (errno ${ledger.clone_errno})` : '';
		return `${colors.red('lost')} ${formatNumber((count as Count).frames)}: ${LOST_TEXT[reason as LostReason]}${errno}`;
	});
}

const END_TEXT: Record<EndReason, string> = {
	closed: 'closed',
	aborted: 'interrupted',
	duration: 'its time is over',
	count: 'the count was reached',
	files: 'the last file is full',
	pipe_closed: 'the reader closed the pipe',
	sources_gone: 'all sources are gone',
	destination_gone: 'the destination is gone',
	failed: 'failed',
};

export const endText = (reason: EndReason): string => END_TEXT[reason];
