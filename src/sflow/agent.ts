/** The sFlow agent: takes samples from whoever draws them, polls counters, sends both. */

import { uptime } from 'node:os';
import { XspanError } from '../errors.ts';
import { type Notice, SAMPLE_RATE_MAX } from '../spec/spec.ts';
import type { LogicalEntity } from '../topology/entities.ts';
import { readLinks } from '../topology/links.ts';
import { AdaptiveRate } from './adaptive-rate.ts';
import { addressBytes } from './address-bytes.ts';
import { chooseAgentAddress, readAddresses, readUplinks } from './agent-address.ts';
import { Collector, type CollectorStatus } from './collector.ts';
import { CounterPoller } from './counter-poller.ts';
import { type RecordWriter, writeCounterSample } from './counter-sample.ts';
import { DataSource } from './data-source.ts';
import { type Datagram, DatagramAssembler } from './datagram.ts';
import { entityUuid } from './entity/uuid.ts';
import { type FlowFormat, writeFlowSample } from './flow-sample.ts';
import { readUuid } from './host/description.ts';
import { hostSource } from './host.ts';
import { LogicalSources } from './logical-sources.ts';
import { COMPACT_IFINDEX_END, fitsCompact } from './ports.ts';
import { entityReader, hostReader, interfaceReader } from './readers.ts';
import type { FlowSample } from './sample.ts';
import { checkSflow, type SflowSettings, type SflowSpec } from './spec.ts';
import { SourceClass } from './structures.ts';

export interface SflowAgentOptions {
	/** Every sample that is exported, before it is; the object is the caller's own. */
	onSample?: (sample: FlowSample) => void;
	/** --max-samples: the rate to draw from now on, 1 in so many. */
	onRate?: (rate: number) => void;
	onNotice?: (notice: Notice) => void;
}

export interface SflowStatus {
	agent: string;
	/** 1 in so many, as the agent wants it now. */
	rate: number;
	flowSamples: number;
	counterSamples: number;
	datagrams: number;
	/** Samples of interfaces that are no source (any more). */
	strays: number;
	collectors: CollectorStatus[];
}

/** How long a slow name server or a full socket may hold up start and end. */
const WAIT_MS = 1000;

const ADDRESS_CHECK_MS = 60_000;
const RATE_CHECK_MS = 1000;

export class SflowAgent implements AsyncDisposable {
	readonly settings: SflowSettings;
	private readonly options: SflowAgentOptions;
	private readonly collectors: Collector[];
	private readonly assembler: DatagramAssembler;
	private readonly sources = new Map<number, DataSource>();
	private readonly entities = new LogicalSources();
	/** Null: no counters are wanted. */
	private readonly poller: CounterPoller | null;
	private readonly format: FlowFormat;
	private readonly adaptive: AdaptiveRate | null;
	private readonly intervals: NodeJS.Timeout[] = [];
	private address: string;
	private readonly counts = { flowSamples: 0, counterSamples: 0, strays: 0 };

	/** Use startSflow(). */
	constructor(settings: SflowSettings, options: SflowAgentOptions) {
		this.settings = settings;
		this.options = options;
		this.address = settings.agent ?? ownAddress();
		this.collectors = settings.collectors.map((target) => new Collector(target));
		this.format = {
			expanded: readLinks().some(({ ifindex }) => ifindex >= COMPACT_IFINDEX_END),
			headerBytes: settings.headerBytes,
			internalPort: settings.internalPort,
		};
		this.assembler = new DatagramAssembler({
			agent: bytesOf(this.address),
			subAgent: settings.subAgent,
			uptimeMs: bootClock(),
			send: (datagram) => this.send(datagram),
		});
		this.poller =
			settings.pollingMs === 0
				? null
				: new CounterPoller(settings.pollingMs, (source, records) => this.count(source, records));
		this.adaptive = adaptiveRate(settings);
	}

	/** @internal */
	async start(): Promise<void> {
		const late = new Promise((resolve) => setTimeout(resolve, WAIT_MS).unref());
		await Promise.race([Promise.all(this.collectors.map((each) => each.refresh())), late]);
		this.poller?.add(
			hostSource(),
			hostReader(() => this.entities.count),
		);
		if (this.settings.agent === null) this.every(ADDRESS_CHECK_MS, () => this.checkAddress());
		this.watchRate();
	}

	/** The counters of an interface are polled, and its samples taken. */
	addSource(ifindex: number): void {
		if (this.sources.has(ifindex)) return;
		const source = new DataSource(SourceClass.ifIndex, ifindex);
		if (ifindex >= COMPACT_IFINDEX_END) this.expand();
		this.sources.set(ifindex, source);
		this.poller?.add(source, interfaceReader(ifindex));
	}

	hasSource(ifindex: number): boolean {
		return this.sources.has(ifindex);
	}

	/** The interface has gone. Its number is not given to another one for a long time. */
	removeSource(ifindex: number): void {
		const source = this.sources.get(ifindex);
		if (!source) return;
		this.sources.delete(ifindex);
		this.poller?.remove(source);
	}

	/** The counters of a container or namespace are polled. Again: its process or name has changed. */
	addEntity(entity: LogicalEntity): void {
		if (!this.poller) return;
		const source = this.entities.start(entity, entityUuid(entity.id, readUuid()));
		if (source) this.poller.add(source, entityReader(entity));
	}

	/** It has gone. When it comes back, it has the same index. */
	removeEntity(id: string): void {
		const source = this.entities.stop(id);
		if (source) this.poller?.remove(source);
	}

	/** Exports a sample: its bytes are copied. */
	sample(sample: FlowSample): void {
		const source = this.sources.get(sample.source);
		if (!source) {
			this.counts.strays++;
			return;
		}
		this.options.onSample?.(sample);
		if (!this.format.expanded && !(fitsCompact(sample.input) && fitsCompact(sample.output)))
			this.expand();
		for (let left = sample.segments; left > 1; left--) this.write(sample, source);
		const { lastLength = sample.frameLength } = sample;
		this.write({ ...sample, frameLength: lastLength }, source);
	}

	/** Exports samples in batches until there are no more. */
	async run(batches: AsyncIterable<Iterable<FlowSample>>): Promise<void> {
		for await (const batch of batches) for (const sample of batch) this.sample(sample);
	}

	get status(): SflowStatus {
		return {
			agent: this.address,
			rate: this.adaptive?.rate ?? this.settings.sampling,
			...this.counts,
			datagrams: this.assembler.sequence,
			collectors: this.collectors.map((each) => each.status),
		};
	}

	/** Sends what is left, and ends. */
	async close(): Promise<SflowStatus> {
		for (const interval of this.intervals) clearInterval(interval);
		this.poller?.stop();
		this.assembler.flush();
		await Promise.all(this.collectors.map((each) => each.close(WAIT_MS)));
		return this.status;
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await this.close();
	}

	private write(sample: FlowSample, source: DataSource): void {
		this.counts.flowSamples++;
		this.assembler.add((xdr) => writeFlowSample(xdr, sample, source, this.format), source);
	}

	private send(datagram: Datagram): void {
		for (const collector of this.collectors) collector.send(datagram);
	}

	/** For good: an agent does not mix the encodings. */
	private expand(): void {
		if (this.format.expanded) return;
		this.assembler.flush();
		this.format.expanded = true;
	}

	private count(source: DataSource, records: readonly RecordWriter[]): void {
		this.counts.counterSamples++;
		const { expanded } = this.format;
		this.assembler.add((xdr) => writeCounterSample(xdr, source, expanded, records));
	}

	private checkAddress(): void {
		const chosen = chooseAgentAddress(readAddresses(), readUplinks(), this.address);
		if (chosen === null || chosen === this.address) return;
		this.options.onNotice?.({
			code: 'agent_address_changed',
			message: `this host has lost ${this.address}: the agent address is ${chosen} now`,
		});
		this.address = chosen;
		this.assembler.setAgent(bytesOf(chosen));
	}

	private watchRate(): void {
		const { adaptive } = this;
		if (!adaptive) return;
		let { flowSamples } = this.counts;
		let since = performance.now();
		this.every(RATE_CHECK_MS, () => {
			const now = performance.now();
			const before = adaptive.rate;
			const samples = this.counts.flowSamples - flowSamples;
			const rate = adaptive.observe(samples, (now - since) / 1000);
			({ flowSamples } = this.counts);
			since = now;
			if (rate !== before) this.options.onRate?.(rate);
		});
	}

	private every(ms: number, what: () => void): void {
		this.intervals.push(setInterval(what, ms));
	}
}

function adaptiveRate({ sampling, maxSamplesPerSecond }: SflowSettings): AdaptiveRate | null {
	if (maxSamplesPerSecond === null) return null;
	return new AdaptiveRate({ rate: sampling, most: maxSamplesPerSecond, rateMost: SAMPLE_RATE_MAX });
}

function ownAddress(): string {
	const address = chooseAgentAddress(readAddresses(), readUplinks());
	if (address !== null) return address;
	throw new XspanError('usage', 'no_agent_address', 'this host has no address of its own', {
		hint: 'say by which address collectors know it: --agent ADDRESS',
	});
}

function bytesOf(address: string): Uint8Array {
	const bytes = addressBytes(address);
	if (!bytes) throw new Error(`${address} is no address`);
	return bytes;
}

/** Milliseconds since the machine was booted; reading it costs no system call on files. */
function bootClock(): () => number {
	const offset = uptime() * 1000 - performance.now();
	return () => Math.floor(performance.now() + offset);
}

/**
 * Starts an agent. It has no sources yet: addSource(), then sample() or run().
 * @throws XspanError
 */
export async function startSflow(
	spec: SflowSpec,
	options: SflowAgentOptions = {},
): Promise<SflowAgent> {
	const agent = new SflowAgent(checkSflow(spec), options);
	await agent.start();
	return agent;
}
