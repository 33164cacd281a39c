/** What a user asks for: plain data, checked against nothing but itself. */
import { XspanError } from '../errors.ts';
import type { Destination } from './destination.ts';

/** Seen from the host: rx is received, tx is sent. */
export type Direction = 'rx' | 'tx' | 'both';

/**
 * Where a tap is attached. `tcx` (Linux 6.6) coexists with other programs and is the default;
 * `clsact` is used where the kernel has no tcx; `xdp` sees received frames before GRO.
 */
export type HookChoice = 'tcx' | 'clsact' | 'xdp';

/** Something a user should know although it is not an error. */
export interface Notice {
	/** snake_case, stable. */
	code: string;
	message: string;
}

/** `random`: each frame with probability 1/rate, independently; `every`: each rate-th per tap and CPU. */
export interface Sample {
	mode: 'random' | 'every';
	/** 1 to 2^24. */
	rate: number;
}

/** A token bucket: what exceeds it is counted as rate_limited. */
export interface RateLimit {
	unit: 'frames' | 'bits';
	perSecond: number;
	/** Frames or bytes that may come at once. Default: what 5 ms of the limit allow, at least one frame. */
	burst?: number;
}

export interface CommonSpec {
	/**
	 * Whose frames are observed: names of interfaces, patterns ('veth*'), container:NAME, pid:PID/eth0,
	 * netns:NAME/eth0, bridge:br0, mac:..., ip:...
	 */
	sources: string[];
	/** Tap what comes to match a pattern, bridge or container later. Default: true. */
	follow?: boolean;
	/** Default: both. */
	direction?: Direction;
	/** Default: tcx, else clsact. */
	hook?: HookChoice;
	/** pcap-filter(7) text: only frames that match are copied. */
	filter?: string;
	/** Which of the frames that match are copied. Default: all. */
	sample?: Sample;
	/** How much is copied at most, over all sources. Default: everything. */
	limit?: RateLimit;
	/** Shown in ledgers and files. Default: derived from the sources. */
	name?: string;
	/** Ends the session after so many milliseconds. */
	durationMs?: number;
	/** Ends the session after so many copies over all sources; a GSO super-frame is one. */
	count?: number;
	/** Ends the session when aborted. */
	signal?: AbortSignal;
	onNotice?: (notice: Notice) => void;
}

export interface MirrorSpec extends CommonSpec {
	/** An object, or text such as "port:ids0" or "erspan://192.0.2.9?session=10". */
	to: Destination | string;
	/** Bytes of each frame that are copied, 64 to 262144. Default: all. */
	snaplen?: number;
}

export interface FileRotation {
	/** No file is larger than this, in bytes (tcpdump -C). */
	fileBytes?: number;
	/** A new file every so many milliseconds, when there are frames (tcpdump -G). */
	filePeriodMs?: number;
	/** With fileBytes: keep the newest so many files; with filePeriodMs alone: end after so many (tcpdump -W). */
	files?: number;
}

export interface PcapngSpec extends FileRotation {
	/** A path, in which strftime conversions are replaced when filePeriodMs is set; "-": standard output. */
	path: string;
	/** Overwrite an existing file. Default: refuse. */
	force?: boolean;
}

export interface CaptureSpec extends CommonSpec {
	/** Bytes kept of each frame, 64 to 262144. Default: all. */
	snaplen?: number;
	/** Ask the routing tables about each copied frame: FrameView.otherInterface, nextHop. Not at XDP. */
	otherInterface?: boolean;
	/**
	 * Bytes, at most a quarter of the ring, that wait there before they wake the reader, who looks every
	 * 100 ms anyway: fewer wake-ups, for later frames. Default 0: the first frame wakes.
	 */
	wakeBytes?: number;
	/** Memory of all rings together, in bytes. Default: 64 MiB. */
	bufferBytes?: number;
	/** Write pcapng. Without it the session's frames() has the frames. */
	write?: PcapngSpec;
}

export const SAMPLE_RATE_MAX = 2 ** 24;

/** Below this a single frame would take longer than a second. */
const SLOWEST = { frames: 1, bits: 12_000 } as const;

export const SNAPLEN = { min: 64, max: 262_144 } as const;

function outOfRange(what: string, value: unknown, expected: string): XspanError {
	return new XspanError('usage', 'bad_value', `${what} ${String(value)} is out of range`, {
		hint: expected,
	});
}

function checkWhole(what: string, value: number | undefined, min: number, max: number): void {
	if (value === undefined) return;
	if (!Number.isInteger(value) || value < min || value > max)
		throw outOfRange(what, value, `${what} is a whole number from ${min} to ${max}`);
}

export function checkCommon(spec: CommonSpec): void {
	if (spec.sources.length === 0)
		throw new XspanError('usage', 'no_source', 'no source was named', {
			hint: 'name at least one interface, as `ip link` lists them',
		});
	checkWhole('count', spec.count, 1, Number.MAX_SAFE_INTEGER);
	checkWhole('duration', spec.durationMs, 1, 2 ** 31 - 1);
	if (spec.sample !== undefined) checkSample(spec.sample);
	if (spec.limit !== undefined) checkLimit(spec.limit);
	if (spec.hook === 'xdp' && spec.direction === 'tx')
		throw new XspanError('usage', 'xdp_is_receive_only', 'XDP sees received frames only', {
			hint: 'leave out --hook xdp to see sent frames (tcx), or use --direction rx',
		});
}

/** JavaScript callers have no compiler to tell them. */
function checkSample(sample: Sample): void {
	if (!['random', 'every'].includes(sample.mode))
		throw outOfRange(
			'sampling',
			JSON.stringify(sample),
			"sampling is { mode: 'random' or 'every', rate }",
		);
	checkWhole('sampling rate', sample.rate ?? 0, 1, SAMPLE_RATE_MAX);
}

function checkLimit(limit: RateLimit): void {
	const slowest = SLOWEST[limit.unit];
	if (slowest === undefined)
		throw outOfRange(
			'limit',
			JSON.stringify(limit),
			"a limit is { unit: 'frames' or 'bits', perSecond }",
		);
	if (!(limit.perSecond >= slowest && limit.perSecond <= 1e12))
		throw outOfRange(
			'limit',
			limit.perSecond,
			'a limit lets at least one frame through in a second: 1 frame/s, or 12 kbit/s',
		);
	checkWhole('burst', limit.burst, 1, 2 ** 30);
}

export function checkMirror(spec: MirrorSpec): void {
	checkCommon(spec);
	checkWhole('snaplen', spec.snaplen, SNAPLEN.min, SNAPLEN.max);
	if (spec.hook === 'xdp')
		throw new XspanError(
			'usage',
			'xdp_cannot_clone',
			'a mirror cannot be fed from XDP: there is no way to clone a frame there',
			{
				hint: 'leave out --hook xdp; a capture can use it',
			},
		);
}

export function checkCapture(spec: CaptureSpec): void {
	checkCommon(spec);
	checkWhole('snaplen', spec.snaplen, SNAPLEN.min, SNAPLEN.max);
	checkWhole('buffer', spec.bufferBytes, 4096, 2 ** 36);
	if (spec.write) checkRotation(spec.write);
}

function checkRotation(write: PcapngSpec): void {
	checkWhole('file size', write.fileBytes, 4096, Number.MAX_SAFE_INTEGER);
	checkWhole('file period', write.filePeriodMs, 1, 2 ** 31 - 1);
	checkWhole('number of files', write.files, 1, 999_999);
	const rotates = write.fileBytes !== undefined || write.filePeriodMs !== undefined;
	if (write.path === '-' && rotates)
		throw new XspanError('usage', 'cannot_rotate_stdout', 'standard output cannot be rotated', {
			hint: 'give -w a file name, or leave out -C, -G and -W',
		});
	if (write.files !== undefined && !rotates)
		throw new XspanError(
			'usage',
			'files_without_rotation',
			'-W says how many files, but nothing starts a new one',
			{
				hint: 'add -C MB or -G SECONDS',
			},
		);
}
