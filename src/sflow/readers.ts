/** How the counters of each class of data sources are read. */
import type { LogicalEntity } from '../topology/entities.ts';
import type { ReadRecords } from './counter-poller.ts';
import { interfaceRecords } from './counter-sample.ts';
import { entityRecords, readEntityCounters } from './entity.ts';
import { hostRecords, readHostCounters } from './host.ts';
import { interfaceCounters } from './interface-counters.ts';
import { readLinkSpeed } from './link-speed.ts';

export const interfaceReader =
	(ifindex: number): ReadRecords =>
	(links) => {
		const link = links.find((each) => each.ifindex === ifindex);
		return link ? interfaceRecords(interfaceCounters(link, readLinkSpeed(link))) : null;
	};

/** @param domains how many containers and namespaces are data sources at the moment */
export const hostReader =
	(domains: () => number): ReadRecords =>
	(links) =>
		hostRecords(readHostCounters(links, domains()));

export const entityReader =
	(entity: LogicalEntity): ReadRecords =>
	() => {
		const counters = readEntityCounters(entity);
		return counters && entityRecords(counters);
	};
