/**
 * What would outlive a killed process: clsact filters (BPF links die with their descriptors).
 * Each process that attaches one writes down where, in a file that names the process; `xspan clean`
 * and the next session remove what dead processes left.
 */
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { hasCode, XspanError } from '../errors.ts';
import { native } from '../native.ts';

export interface ClsactRecord {
	netns: number;
	ifindex: number;
	direction: number;
	handle: number;
	priority: number;
	/** The qdisc was made for this filter. */
	created: boolean;
}

export interface Leftover {
	kind: 'clsact_filter';
	ifindex: number;
	interface: string | null;
	/** Of the process that left it. */
	pid: number;
	removed: boolean;
	/** Why not, when it was not removed. */
	reason?: string;
}

const DIRECTORY = process.env['XSPAN_RUN_DIR'] ?? '/run/xspan';

/** Field 22 of /proc/PID/stat: a pid alone may have been given to another process. */
function startTime(pid: number): string | null {
	try {
		const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
		return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? null;
	} catch {
		return null; // no such process
	}
}

const ownFile = () => join(DIRECTORY, `${process.pid}-${startTime(process.pid)}.json`);

let records: ClsactRecord[] = [];

function save(): void {
	if (records.length === 0) {
		rmSync(ownFile(), { force: true });
		return;
	}
	try {
		mkdirSync(DIRECTORY, { recursive: true, mode: 0o700 });
		const draft = `${ownFile()}.new`;
		writeFileSync(draft, JSON.stringify(records), { mode: 0o600 });
		renameSync(draft, ownFile());
	} catch (error) {
		throw directoryError(error);
	}
}

function directoryError(cause: unknown): XspanError {
	return new XspanError(
		'permission',
		'run_directory',
		`${DIRECTORY} cannot be used: ${(cause as Error).message}`,
		{
			cause,
			hint: 'xspan notes there what would outlive it: make it writable, or name another directory in XSPAN_RUN_DIR',
		},
	);
}

export function rememberClsact(filter: Omit<ClsactRecord, 'netns'>): ClsactRecord {
	const record = { ...filter, netns: native.netns() };
	records.push(record);
	try {
		save();
	} catch (error) {
		records.pop();
		throw error;
	}
	return record;
}

/** After a filter was detached: the qdisc goes too if this process made it and it is empty. */
export function forgetClsact(record: ClsactRecord): void {
	const { ifindex } = record;
	records = records.filter((each) => each !== record);
	if (record.created && !native.clsactDestroyIfEmpty(ifindex)) {
		// Another session of this process is still there: it inherits the duty.
		const heir = records.find((each) => each.ifindex === ifindex);
		if (heir) heir.created = true;
	}
	save();
}

function removeFilter(record: ClsactRecord, pid: number): Leftover {
	const link = native.links().find((each) => each.ifindex === record.ifindex);
	const leftover: Leftover = {
		kind: 'clsact_filter',
		ifindex: record.ifindex,
		interface: link?.name ?? null,
		pid,
		removed: false,
	};
	if (record.netns !== native.netns())
		return { ...leftover, reason: 'in another network namespace' };
	const filter = native
		.clsactFilters(record.ifindex, record.direction)
		.find((each) => each.handle === record.handle && each.priority === record.priority);
	// Somebody else's by now, or gone with its interface: not ours to touch.
	if (!filter?.name?.startsWith('xspan_tc'))
		return { ...leftover, removed: true, reason: 'already gone' };
	native.clsactDetach(record.ifindex, record.direction, record.handle, record.priority);
	return { ...leftover, removed: true };
}

function cleanFile(name: string): Leftover[] {
	const match = /^(\d+)-(\d+)\.json$/.exec(name);
	if (!match || startTime(Number(match[1])) === match[2]) return [];
	const path = join(DIRECTORY, name);
	const left = JSON.parse(readFileSync(path, 'utf8')) as ClsactRecord[];
	const done = left.map((record) => removeFilter(record, Number(match[1])));
	for (const record of left) if (record.created) native.clsactDestroyIfEmpty(record.ifindex);
	if (done.every((each) => each.removed)) rmSync(path);
	return done.filter((each) => each.reason !== 'already gone');
}

/** Removes what dead processes left. A live process's things are not touched. */
export function clean(): Leftover[] {
	let names: string[];
	try {
		names = readdirSync(DIRECTORY);
	} catch (error) {
		if (hasCode(error, 'ENOENT')) return [];
		throw directoryError(error);
	}
	return names.flatMap(cleanFile);
}

/** clean() at the start of a session, where another user's leftovers are no reason to fail. */
export function cleanIfAllowed(): void {
	try {
		clean();
	} catch (error) {
		if (!(error instanceof XspanError)) throw error;
	}
}
