/** What an sFlow agent says of itself, for people. */
import type { CollectorStatus, SflowSessionStatus } from '../index.ts';
import { formatNumber } from './print.ts';

function collectorLine({ collector, sent, failed, dropped, refused, lastError }: CollectorStatus) {
	const trouble = Object.entries({ failed, dropped, refused })
		.filter(([, count]) => count > 0)
		.map(([what, count]) => `, ${formatNumber(count)} ${what}`);
	const why = lastError === null ? '' : ` (${lastError})`;
	return `collector ${collector}: ${formatNumber(sent)} sent${trouble.join('')}${why}`;
}

export function sflowLines(status: SflowSessionStatus): string[] {
	const { agent, rate, flowSamples, counterSamples, datagrams, collectors } = status;
	return [
		`agent ${agent}: ${formatNumber(flowSamples)} flow samples (1/${rate}) and ${formatNumber(counterSamples)} counter samples in ${formatNumber(datagrams)} datagrams`,
		...collectors.map(collectorLine),
	];
}
