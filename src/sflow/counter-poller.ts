/** Polls the counters of data sources, each once in an interval, and hands on their records. */
import { type Link, readLinks } from '../topology/links.ts';
import type { RecordWriter } from './counter-sample.ts';
import type { DataSource } from './data-source.ts';
import { PollSchedule } from './polling.ts';

/**
 * Reads the counters of a source; null: it has gone.
 * @param links the interfaces of this namespace
 */
export type ReadRecords = (links: readonly Link[]) => RecordWriter[] | null;

export class CounterPoller {
	private readonly schedule: PollSchedule<DataSource>;
	private readonly readers = new Map<DataSource, ReadRecords>();
	private readonly report: (source: DataSource, records: RecordWriter[]) => void;
	private timer: NodeJS.Timeout | null = null;

	constructor(intervalMs: number, report: (source: DataSource, records: RecordWriter[]) => void) {
		this.schedule = new PollSchedule(intervalMs);
		this.report = report;
	}

	/** A source that is polled already keeps its time. */
	add(source: DataSource, read: ReadRecords): void {
		this.readers.set(source, read);
		this.schedule.add(source, performance.now());
		this.setTimer();
	}

	remove(source: DataSource): void {
		this.schedule.remove(source);
		this.readers.delete(source);
	}

	stop(): void {
		if (this.timer) clearTimeout(this.timer);
	}

	private setTimer(): void {
		this.stop();
		const delay = this.schedule.delay(performance.now());
		this.timer = delay === null ? null : setTimeout(() => this.poll(), delay);
	}

	private poll(): void {
		const due = this.schedule.due(performance.now());
		if (due.length > 0) this.read(due);
		this.setTimer();
	}

	/** The table of all interfaces is read once, however many of them are due. */
	private read(due: readonly DataSource[]): void {
		const links = readLinks();
		for (const source of due) {
			const records = this.readers.get(source)?.(links);
			if (records) this.report(source, records);
		}
	}
}
