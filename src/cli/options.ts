/** Options that several commands share. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import {
	parseCount,
	parseDuration,
	parseLimit,
	parseSample,
	type RateLimit,
	type Sample,
	XspanError,
} from '../index.ts';

/** Lets commander print the message and hint of a parser, with the option's name. */
export function option<T>(parse: (text: string) => T): (text: string) => T {
	return (text) => {
		try {
			return parse(text);
		} catch (error) {
			if (!(error instanceof XspanError)) throw error;
			throw new InvalidArgumentError(`${error.hint ?? error.message}.`);
		}
	};
}

export interface SessionOptions {
	direction: 'rx' | 'tx' | 'both';
	name?: string;
	duration?: number;
	json?: boolean;
	interval: number;
	dryRun?: boolean;
	filter?: string;
	follow: boolean;
}

export interface CommonOptions extends SessionOptions {
	count?: number;
	hook?: 'tcx' | 'clsact' | 'xdp';
	sample?: Sample;
	limit?: RateLimit;
	burst?: number;
}

/** What every session has. */
export function addSessionOptions(command: Command): Command {
	return command
		.addOption(
			new Option('--direction <direction>', 'what to observe: received, sent or both')
				.choices(['rx', 'tx', 'both'])
				.default('both'),
		)
		.option('-f, --filter <expression>', 'copy only what matches, in the language of tcpdump')
		.option('--no-follow', 'do not tap what comes to match a pattern, bridge or container later')
		.option('--name <name>', 'name of the session (default: its sources)')
		.option(
			'--duration <time>',
			'end after this time: 500ms, 30s, 5m, 2h',
			option((t) => parseDuration(t)),
		)
		.addOption(
			new Option(
				'--interval <time>',
				'between two lines of --json, and two states of the live table',
			)
				.argParser(option((t) => parseDuration(t)))
				.default(1000, '1s'),
		)
		.option('--json', 'print the ledger as one JSON object a line')
		.option('--dry-run', 'print the plan as JSON and attach nothing');
}

export function addCommonOptions(command: Command): Command {
	return addSessionOptions(command)
		.addOption(
			new Option(
				'--hook <hook>',
				'where to tap; default tcx, clsact where the kernel has no tcx',
			).choices(['tcx', 'clsact', 'xdp']),
		)
		.option(
			'--sample <1/N>',
			'copy a random one in N frames; every:N takes each Nth',
			option(parseSample),
		)
		.option(
			'--limit <rate>',
			'copy at most 50kpps (frames/s) or 100mbit (bits/s)',
			option(parseLimit),
		)
		.option(
			'--burst <n>',
			'with --limit: frames, or bytes, that may come at once',
			option((t) => parseCount(t, 'burst', 1, 2 ** 30)),
		)
		.option(
			'-c, --count <n>',
			'end after this many copies',
			option((t) => parseCount(t, 'count', 1, Number.MAX_SAFE_INTEGER)),
		);
}

/** Leaves out what was not given, as exactOptionalPropertyTypes wants it. */
export function given<T extends object>(values: T): { [K in keyof T]: Exclude<T[K], undefined> } {
	const entries = Object.entries(values).filter(([, value]) => value !== undefined);
	return Object.fromEntries(entries) as { [K in keyof T]: Exclude<T[K], undefined> };
}

function limitOf({ limit, burst }: CommonOptions): { limit?: RateLimit } {
	if (limit) return { limit: burst === undefined ? limit : { ...limit, burst } };
	if (burst === undefined) return {};
	throw new XspanError(
		'usage',
		'burst_without_limit',
		'--burst says how much may come at once, but there is no limit',
		{
			hint: 'add --limit',
		},
	);
}

export function sessionSpec(sources: string[], options: SessionOptions) {
	return {
		sources,
		direction: options.direction,
		...(options.follow ? {} : { follow: false }),
		...(options.filter === undefined ? {} : { filter: options.filter }),
		...(options.name === undefined ? {} : { name: options.name }),
		...(options.duration === undefined ? {} : { durationMs: options.duration }),
	};
}

export function commonSpec(sources: string[], options: CommonOptions) {
	return {
		...sessionSpec(sources, options),
		...(options.hook === undefined ? {} : { hook: options.hook }),
		...(options.sample === undefined ? {} : { sample: options.sample }),
		...limitOf(options),
		...(options.count === undefined ? {} : { count: options.count }),
	};
}
