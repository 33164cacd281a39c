/** Moves the drain thread's packet blocks into files, and gives every file its head and tail. */
import { cpus, release, type } from 'node:os';
import { XspanError } from '../errors.ts';
import type { Ledger } from '../ledger.ts';
import { type DrainFormat, native, version } from '../native.ts';
import type { Plan, TapPlan } from '../plan/plan.ts';
import type { PcapngSpec } from '../spec/spec.ts';
import { FileNames } from './file-names.ts';
import { isClosedPipe, type Output, openFile, openStdout, outputError } from './output.ts';
import { interfaceDescription, interfaceStatistics, sectionHeader } from './pcapng.ts';
import type { Slab, SlabReader } from './reader.ts';

const STATISTICS_LENGTH = interfaceStatistics({
	interfaceId: 0,
	startNs: 0n,
	endNs: 0n,
	received: 0,
	dropped: 0,
	delivered: 0,
}).length;

/** How often a pipe is looked at whose reader may have gone while no frames come. */
const PIPE_CHECK_MS = 250;

type TapLedgers = () => readonly { ledger: Ledger }[];

const nowNs = (): bigint => BigInt(Date.now()) * 1_000_000n;

function speedOf(source: string): number {
	try {
		return native.ethtool(source).speedMbps * 1e6;
	} catch {
		return 0; // gone since the plan was made: the attach will say so
	}
}

const sectionOf = (): Buffer =>
	sectionHeader({
		hardware: cpus()[0]?.model ?? process.arch,
		os: `${type()} ${release()}`,
		application: `xspan ${version}`,
	});

const descriptionOf = (plan: Plan, tap: TapPlan): Buffer =>
	interfaceDescription({
		name: tap.source,
		description: `${tap.direction === 'rx' ? 'received' : 'sent'}, xspan session ${plan.name}`,
		address: tap.address,
		speed: tap.path === null ? speedOf(tap.interface) : 0,
		snaplen: plan.rings?.snaplen ?? 0,
		link: tap.link,
	});

const headOf = (plan: Plan): Buffer =>
	Buffer.concat([sectionOf(), ...plan.taps.map((tap) => descriptionOf(plan, tap))]);

/** Of a file with a greatest size: for interfaces that come later. */
const FOLLOWED_BYTES = 16_384;

function tailOf(ledgers: ReturnType<TapLedgers>, startNs: bigint): Buffer {
	return Buffer.concat(
		ledgers.map(({ ledger }, interfaceId) =>
			interfaceStatistics({
				interfaceId,
				startNs,
				endNs: nowNs(),
				received: ledger.seen.frames,
				dropped: ledger.lost.frames,
				delivered: ledger.delivered.frames,
			}),
		),
	);
}

export class PcapngSink {
	/** The output cannot be written any more. */
	broken = false;
	private readonly spec: PcapngSpec;
	private readonly reader: SlabReader;
	private readonly ledgers: TapLedgers;
	private readonly plan: Plan;
	/** In front of every file; grows with the interfaces that come. */
	private head: Buffer;
	/** Interfaces that the present file does not know yet. */
	private unwritten: Buffer[] = [];
	private readonly startMs: number;
	private output: Output | null = null;
	private path = '-';
	private readonly names: FileNames;

	constructor(
		plan: Plan,
		spec: PcapngSpec,
		reader: SlabReader,
		startMs: number,
		ledgers: TapLedgers,
	) {
		this.startMs = startMs;
		this.spec = spec;
		this.reader = reader;
		this.ledgers = ledgers;
		this.plan = plan;
		this.head = headOf(plan);
		this.names = new FileNames(spec);
	}

	/** What the drain thread must know: where files end, in bytes of packet blocks. */
	static drainFormat(plan: Plan, spec: PcapngSpec, startMs: number): DrainFormat {
		const later = plan.follow.length ? FOLLOWED_BYTES : 0;
		const around = headOf(plan).length + plan.taps.length * STATISTICS_LENGTH + later;
		return {
			format: 'pcapng',
			startMs,
			...(spec.fileBytes === undefined ? {} : { fileBytes: Math.max(spec.fileBytes - around, 1) }),
			...(spec.filePeriodMs === undefined ? {} : { filePeriodMs: spec.filePeriodMs }),
		};
	}

	/** @throws XspanError file_exists, no_such_directory, write_failed */
	async open(): Promise<void> {
		const foreign = this.spec.force ? null : this.names.foreignFile();
		if (foreign) throw outputError(foreign, Object.assign(new Error(), { code: 'EEXIST' }));
		await this.nextFile(this.startMs);
	}

	/** Until the session ends (null), or should end, and why. */
	async run(): Promise<'files' | 'pipe_closed' | null> {
		const watch = setInterval(() => {
			if (this.output?.isClosed()) this.reader.interrupt();
		}, PIPE_CHECK_MS);
		try {
			return await this.moveSlabs();
		} finally {
			clearInterval(watch);
		}
	}

	private async moveSlabs(): Promise<'files' | 'pipe_closed' | null> {
		for (let slab = await this.reader.next(); slab; slab = await this.reader.next()) {
			if (!(await this.writeSlab(slab))) return 'pipe_closed';
			if (slab.nextFileMs === undefined) continue;
			if (this.names.isLast) return 'files';
			await this.nextFile(slab.nextFileMs);
		}
		if (!this.output?.isClosed()) return null;
		this.broken = true;
		return 'pipe_closed';
	}

	/** Right after a tap was attached: no slab with its frames can have been taken yet. */
	addInterface(tap: TapPlan): void {
		const description = descriptionOf(this.plan, tap);
		this.head = Buffer.concat([this.head, description]);
		this.unwritten.push(description);
	}

	/** Writes the tail of the last file. */
	async close(): Promise<void> {
		await this.endFile();
	}

	giveUp(): void {
		this.broken = true;
		this.output?.giveUp();
	}

	private async writeSlab(slab: Slab): Promise<boolean> {
		try {
			await this.writeDescriptions();
			if (slab.bytes) await this.output?.write(new Uint8Array(slab.buffer, 0, slab.bytes));
			this.reader.delivered(slab);
			return true;
		} catch (error) {
			this.broken = true;
			this.reader.lost(slab, 'write_failed');
			if (isClosedPipe(error)) return false;
			throw this.diskError(error);
		} finally {
			this.reader.giveBack(slab);
		}
	}

	private async writeDescriptions(): Promise<void> {
		for (let next = this.unwritten.shift(); next; next = this.unwritten.shift())
			await this.output?.write(next);
	}

	private diskError(cause: unknown): XspanError {
		const safe = this.ledgers().reduce((sum, { ledger }) => sum + ledger.delivered.frames, 0);
		const { message } = outputError(this.path, cause);
		return new XspanError(
			'output',
			'write_failed',
			`${message}; ${safe} frames are safely written`,
			{
				cause,
				hint: 'the file can be opened; free some space, or rotate with -C and -W',
			},
		);
	}

	private async nextFile(timeMs: number): Promise<void> {
		await this.endFile();
		try {
			if (this.spec.path === '-') {
				this.output = await openStdout();
			} else {
				const { path, isOwn } = this.names.next(new Date(timeMs));
				this.path = path;
				this.output = await openFile(path, isOwn || this.spec.force === true);
			}
			this.unwritten = [];
			await this.output.write(this.head);
		} catch (error) {
			this.broken = true;
			throw isClosedPipe(error) ? error : outputError(this.path, error);
		}
	}

	private async endFile(): Promise<void> {
		const output = this.output;
		this.output = null;
		if (!output) return;
		try {
			for (const description of this.unwritten) await output.write(description);
			await output.write(tailOf(this.ledgers(), BigInt(this.startMs) * 1_000_000n));
		} catch (error) {
			// The frames are in; without its statistics the file is complete all the same.
			if (!this.broken && !isClosedPipe(error)) throw this.diskError(error);
		} finally {
			await output.close();
		}
	}
}
