/**
 * What would outlive a killed process: clsact filters (BPF links die with their descriptors).
 * Each process that attaches one writes down where, in a file that names the process; `xspan clean`
 * and the next session remove what dead processes left.
 */
import {
	existsSync,
	mkdirSync,
	readdirSync,
	readFileSync,
	renameSync,
	rmSync,
	writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { threadId } from 'node:worker_threads';
import { hasCode, XspanError } from '../errors.ts';
import { native } from '../native.ts';

export interface ClsactRecord {
	netns: number;
	ifindex: number;
	direction: number;
	handle: number;
	priority: number;
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

/** Each worker thread has a file of its own, as it has sessions of its own. */
const ownFile = () => join(DIRECTORY, `${process.pid}-${startTime(process.pid)}-${threadId}.json`);

let records: ClsactRecord[] = [];

function note(path: string, text: string): void {
	try {
		mkdirSync(DIRECTORY, { recursive: true, mode: 0o700 });
		writeFileSync(`${path}.new`, text, { mode: 0o600 });
		renameSync(`${path}.new`, path);
	} catch (error) {
		throw directoryError(error);
	}
}

function save(): void {
	if (records.length) note(ownFile(), JSON.stringify(records));
	else rmSync(ownFile(), { force: true });
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

/** After a filter was detached. */
export function forgetClsact(record: ClsactRecord): void {
	records = records.filter((each) => each !== record);
	save();
}

const qdiscNote = (ifindex: number) => join(DIRECTORY, `qdisc-${native.netns()}-${ifindex}`);

/** Makes sure that there is a clsact qdisc. One that xspan made is noted, whichever session ends last. */
export function openQdisc(ifindex: number): void {
	if (!native.clsactCreate(ifindex)) return;
	try {
		note(qdiscNote(ifindex), '');
	} catch (error) {
		native.clsactDestroyIfEmpty(ifindex);
		throw error;
	}
}

/** Removes the qdisc if xspan made it and nobody has a filter there any more. */
export function closeQdisc(ifindex: number): void {
	if (existsSync(qdiscNote(ifindex)) && native.clsactDestroyIfEmpty(ifindex))
		rmSync(qdiscNote(ifindex), { force: true });
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
	if (!filter?.name?.startsWith('xspan_'))
		return { ...leftover, removed: true, reason: 'already gone' };
	native.clsactDetach(record.ifindex, record.direction, record.handle, record.priority);
	return { ...leftover, removed: true };
}

function cleanFile(name: string): Leftover[] {
	const match = /^(\d+)-(\d+)-\d+\.json$/.exec(name);
	if (!match || startTime(Number(match[1])) === match[2]) return [];
	const path = join(DIRECTORY, name);
	const left = JSON.parse(readFileSync(path, 'utf8')) as ClsactRecord[];
	const done = left.map((record) => removeFilter(record, Number(match[1])));
	const here = left.filter((record) => record.netns === native.netns());
	for (const record of here) closeQdisc(record.ifindex);
	if (done.every((each) => each.removed)) rmSync(path);
	return done.filter((each) => each.reason !== 'already gone');
}

/** Notes on qdiscs of interfaces that are gone. */
function forgetQdiscs(names: string[]): void {
	const ifindexes = new Set(native.links().map((link) => link.ifindex));
	const prefix = `qdisc-${native.netns()}-`;
	for (const name of names.filter((each) => each.startsWith(prefix)))
		if (!ifindexes.has(Number(name.slice(prefix.length)))) rmSync(join(DIRECTORY, name));
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
	forgetQdiscs(names);
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
