/**
 * What would outlive a killed process: clsact filters and the veth pairs of mirror ports (BPF links die
 * with their descriptors). Each process that makes one writes down where, in a file that names the process; `xspan clean`
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
	kind: 'clsact_filter';
	netns: number;
	ifindex: number;
	direction: number;
	handle: number;
	priority: number;
}

/** Noted before the device is made, so that no moment of death leaves one that is not known. */
export interface VethRecord {
	kind: 'mirror_port';
	netns: number;
	/** Of the outer end. */
	name: string;
	/** Its MAC address: another device of that name is not ours. */
	address: string;
}

type Outliving = ClsactRecord | VethRecord;

export interface Leftover {
	kind: 'clsact_filter' | 'mirror_port';
	/** null: not known, or gone. */
	ifindex: number | null;
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

let records: Outliving[] = [];

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

function remember<Kind extends Outliving>(record: Kind): Kind {
	records.push(record);
	try {
		save();
	} catch (error) {
		records.pop();
		throw error;
	}
	return record;
}

export const rememberClsact = (filter: Omit<ClsactRecord, 'netns' | 'kind'>): ClsactRecord =>
	remember({ kind: 'clsact_filter', ...filter, netns: native.netns() });

export const rememberVeth = (device: Omit<VethRecord, 'netns' | 'kind'>): VethRecord =>
	remember({ kind: 'mirror_port', ...device, netns: native.netns() });

/** After a filter was detached, or a device removed. */
export function forget(record: Outliving): void {
	records = records.filter((each) => each !== record);
	save();
}

const qdiscNote = (ifindex: number) => join(DIRECTORY, `qdisc-${native.netns()}-${ifindex}`);

/**
 * Makes sure that there is a clsact qdisc. One that xspan made is noted, whichever session ends last.
 * @returns whether it has an egress side: a qdisc `ingress` of somebody else has none
 */
export function openQdisc(ifindex: number): boolean {
	const kind = native.clsactCreate(ifindex);
	if (kind !== 'created') return kind !== 'ingress';
	try {
		note(qdiscNote(ifindex), '');
	} catch (error) {
		native.clsactDestroyIfEmpty(ifindex);
		throw error;
	}
	return true;
}

/** Removes the qdisc if xspan made it and nobody has a filter there any more. */
export function closeQdisc(ifindex: number): void {
	if (existsSync(qdiscNote(ifindex)) && native.clsactDestroyIfEmpty(ifindex))
		rmSync(qdiscNote(ifindex), { force: true });
}

const ELSEWHERE = { removed: false, reason: 'in another network namespace' } as const;
const ALREADY_GONE = { removed: true, reason: 'already gone' } as const;

function removeFilter(record: ClsactRecord, pid: number): Leftover {
	const link = native.links().find((each) => each.ifindex === record.ifindex);
	const { kind, ifindex } = record;
	const leftover = { kind, ifindex, interface: link?.name ?? null, pid };
	if (record.netns !== native.netns()) return { ...leftover, ...ELSEWHERE };
	const filter = native
		.clsactFilters(ifindex, record.direction)
		.find((each) => each.handle === record.handle && each.priority === record.priority);
	// Somebody else's by now, or gone with its interface: not ours to touch.
	if (!filter?.name?.startsWith('xspan_')) return { ...leftover, ...ALREADY_GONE };
	native.clsactDetach(ifindex, record.direction, record.handle, record.priority);
	return { ...leftover, removed: true };
}

function removeVeth(record: VethRecord, pid: number): Leftover {
	const leftover = { kind: record.kind, ifindex: null, interface: record.name, pid };
	if (record.netns !== native.netns()) return { ...leftover, ...ELSEWHERE };
	const link = native
		.links()
		.find((each) => each.name === record.name && each.address === record.address);
	if (link?.kind !== 'veth' || !native.deleteLink(link.ifindex))
		return { ...leftover, ...ALREADY_GONE };
	return { ...leftover, ifindex: link.ifindex, removed: true };
}

/** Nothing when the file has gone meanwhile: its session ended by itself, or somebody else cleans. */
function recordsIn(path: string): Outliving[] {
	try {
		return JSON.parse(readFileSync(path, 'utf8'));
	} catch (error) {
		if (hasCode(error, 'ENOENT')) return [];
		throw error;
	}
}

function cleanFile(name: string): Leftover[] {
	const match = /^(\d+)-(\d+)-\d+\.json$/.exec(name);
	if (!match || startTime(Number(match[1])) === match[2]) return [];
	const path = join(DIRECTORY, name);
	const pid = Number(match[1]);
	const left = recordsIn(path);
	const done = left.map((record) =>
		record.kind === 'mirror_port' ? removeVeth(record, pid) : removeFilter(record, pid),
	);
	for (const record of left)
		if (record.kind === 'clsact_filter' && record.netns === native.netns())
			closeQdisc(record.ifindex);
	if (done.every((each) => each.removed)) rmSync(path, { force: true });
	return done.filter((each) => each.reason !== ALREADY_GONE.reason);
}

/** Notes on qdiscs of interfaces that are gone. */
function forgetQdiscs(names: string[]): void {
	const ifindexes = new Set(native.links().map((link) => link.ifindex));
	const prefix = `qdisc-${native.netns()}-`;
	for (const name of names.filter((each) => each.startsWith(prefix)))
		if (!ifindexes.has(Number(name.slice(prefix.length))))
			rmSync(join(DIRECTORY, name), { force: true });
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
