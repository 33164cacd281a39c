/** Polls the counters of data sources, each once in an interval, and hands on their records. */
import { type Link, readLinks } from '../topology/links.ts';
import { interfaceRecords, type RecordWriter } from './counter-sample.ts';
import type { DataSource } from './data-source.ts';
import { hostRecords, readHostCounters } from './host.ts';
import { interfaceCounters } from './interface-counters.ts';
import { readLinkSpeed } from './link-speed.ts';
import { PollSchedule } from './polling.ts';
import { SourceClass } from './structures.ts';

export class CounterPoller {
	private readonly schedule: PollSchedule<DataSource>;
	private readonly report: (source: DataSource, records: RecordWriter[]) => void;
	private timer: NodeJS.Timeout | null = null;

	constructor(intervalMs: number, report: (source: DataSource, records: RecordWriter[]) => void) {
		this.schedule = new PollSchedule(intervalMs);
		this.report = report;
	}

	add(source: DataSource): void {
		this.schedule.add(source, performance.now());
		this.setTimer();
	}

	remove(source: DataSource): void {
		this.schedule.remove(source);
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
			const records =
				source.class === SourceClass.ifIndex
					? recordsOf(source.index, links)
					: hostRecords(readHostCounters(links));
			if (records) this.report(source, records);
		}
	}
}

/** Null: the interface has gone. */
function recordsOf(ifindex: number, links: readonly Link[]): RecordWriter[] | null {
	const link = links.find((each) => each.ifindex === ifindex);
	return link ? interfaceRecords(interfaceCounters(link, readLinkSpeed(link))) : null;
}
