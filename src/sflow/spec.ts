/** What a user asks of the sFlow agent: plain data, checked against nothing but itself. */
import { isIP } from 'node:net';
import { XspanError } from '../errors.ts';
import { SAMPLE_RATE_MAX } from '../spec/spec.ts';
import { parseCount, parseDuration, parseSample } from '../spec/units.ts';

export interface CollectorAddress {
	/** A name, or an address without brackets. */
	host: string;
	port: number;
}

export interface SflowSpec {
	/** Each gets every datagram. An object, or text such as "192.0.2.9" and "[2001:db8::9]:6343". */
	collectors: (CollectorAddress | string)[];
	/** 1 in so many frames, at random. Default: 1000. */
	sampling?: number;
	/** Milliseconds between two reports of a source's counters; 0: none. Default: 20 s. */
	pollingMs?: number;
	/** Bytes of each sampled frame. Default: 128. */
	headerBytes?: number;
	/** The address by which collectors know this host. Default: see chooseAgentAddress(). */
	agent?: string;
	/** Tells apart several agents on one address. Default: 0. */
	subAgent?: number;
	/** What stands for the host itself: 0x3FFFFFFF, or 0 for collectors that do not know that. */
	internalPort?: 'internal' | 'unknown';
	/**
	 * sFlow Tunnel Structures of frames of this host's tunnels. Default: false, since some collectors
	 * take datagrams with them for damaged (nfdump 1.7.1 drops them whole).
	 */
	tunnels?: boolean;
	/** Above so many samples/s the sampling rate backs off. Default: no limit. */
	maxSamplesPerSecond?: number;
}

/** A spec with all its defaults. */
export interface SflowSettings {
	collectors: CollectorAddress[];
	sampling: number;
	pollingMs: number;
	headerBytes: number;
	agent: string | null;
	subAgent: number;
	internalPort: 'internal' | 'unknown';
	tunnels: boolean;
	maxSamplesPerSecond: number | null;
}

/** IANA. */
export const SFLOW_PORT = 6343;

/** With the most, a sample with all its records fits into one datagram. */
export const HEADER_BYTES = { min: 64, max: 1024 } as const;

const COLLECTORS_MOST = 64;

function badCollector(text: string): XspanError {
	return new XspanError('usage', 'bad_collector', `collector "${text}" is not valid`, {
		hint: 'write HOST, HOST:PORT, or [ADDRESS]:PORT for IPv6: 192.0.2.9, collector.example:6343, [2001:db8::9]:6343',
	});
}

/** RFC 1123, and underscores, which some have. */
const NAME =
	/^(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*\.?$/i;

/** Digits and dots that are no address are a mistake, not a name. */
const isName = (text: string): boolean => NAME.test(text) && !/^[\d.]+$/.test(text);

/** "192.0.2.9", "collector.example:6343", "2001:db8::9", "[2001:db8::9]:6343". */
export function parseCollector(text: string): CollectorAddress {
	if (isIP(text) === 6) return { host: text, port: SFLOW_PORT };
	const match = /^(?:\[([^\]]+)\]|([^:[\]]+))(?::(\d{1,5}))?$/.exec(text);
	const [, bracketed, plain, digits] = match ?? [];
	const host = bracketed ?? plain ?? '';
	const port = digits === undefined ? SFLOW_PORT : Number(digits);
	const isHost = bracketed ? isIP(host) === 6 : isIP(host) === 4 || isName(host);
	if (!isHost || port < 1 || port > 65_535) throw badCollector(text);
	return { host, port };
}

/** "1/1000": N of one in N. Collectors scale by it, so that it has to be random. */
export function parseSampling(text: string): number {
	const { mode, rate } = parseSample(text);
	if (mode !== 'random')
		throw new XspanError('usage', 'bad_value', `sampling "${text}" is not random`, {
			hint: 'write 1/N: sFlow takes one in N at random',
		});
	return rate;
}

/** "20s", or "0" for no counters at all. Milliseconds. */
export const parsePolling = (text: string): number =>
	text === '0' ? 0 : parseDuration(text, 'polling interval');

/** "5000/s" or "5000". */
export const parseMaxSamples = (text: string): number =>
	parseCount(text.replace(/\/s$/, ''), 'samples per second', 1, 1e7);

function checkWhole(what: string, value: number, min: number, max: number): number {
	if (Number.isInteger(value) && value >= min && value <= max) return value;
	throw new XspanError('usage', 'bad_value', `${what} ${String(value)} is out of range`, {
		hint: `${what} is a whole number from ${min} to ${max}`,
	});
}

function checkAgent(agent: string): string {
	if (isIP(agent) !== 0) return agent;
	throw new XspanError('usage', 'bad_agent_address', `agent address "${agent}" is not valid`, {
		hint: 'write an IPv4 or IPv6 address of this host, as `ip address` lists them',
	});
}

function checkInternalPort(value: string): 'internal' | 'unknown' {
	if (value === 'internal' || value === 'unknown') return value;
	throw new XspanError('usage', 'bad_value', `internal port "${value}" is not valid`, {
		hint: 'write internal (0x3FFFFFFF) or unknown (0)',
	});
}

function checkCollectors(collectors: SflowSpec['collectors']): CollectorAddress[] {
	if (collectors.length === 0)
		throw new XspanError('usage', 'no_collector', 'no collector was named', {
			hint: 'name at least one: --collector 192.0.2.9',
		});
	checkWhole('number of collectors', collectors.length, 1, COLLECTORS_MOST);
	const parsed = collectors.map((each) =>
		typeof each === 'string' ? parseCollector(each) : parseCollector(asText(each)),
	);
	const texts = parsed.map(asText);
	const twice = texts.find((text, i) => texts.indexOf(text) !== i);
	if (twice)
		throw new XspanError('usage', 'collector_twice', `collector ${twice} is named twice`, {
			hint: 'a collector counts what it gets: name each once',
		});
	return parsed;
}

/** As parseCollector() reads it. */
export const asText = ({ host, port }: CollectorAddress): string =>
	host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;

/** @throws XspanError */
export function checkSflow(spec: SflowSpec): SflowSettings {
	const { maxSamplesPerSecond: most } = spec;
	return {
		collectors: checkCollectors(spec.collectors),
		sampling: checkWhole('sampling rate', spec.sampling ?? 1000, 1, SAMPLE_RATE_MAX),
		pollingMs: checkWhole('polling interval', spec.pollingMs ?? 20_000, 0, 2 ** 31 - 1),
		headerBytes: checkWhole(
			'header bytes',
			spec.headerBytes ?? 128,
			HEADER_BYTES.min,
			HEADER_BYTES.max,
		),
		agent: spec.agent === undefined ? null : checkAgent(spec.agent),
		subAgent: checkWhole('sub-agent', spec.subAgent ?? 0, 0, 2 ** 32 - 1),
		internalPort: checkInternalPort(spec.internalPort ?? 'internal'),
		tunnels: spec.tunnels ?? false,
		maxSamplesPerSecond: most === undefined ? null : checkWhole('samples per second', most, 1, 1e7),
	};
}
