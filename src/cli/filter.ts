import { Command, Option } from 'commander';
import { explainFilter, type FilterExplanation } from '../index.ts';
import { bold } from './print.ts';

function text(explained: FilterExplanation): string {
	const { classic, kernel } = explained;
	return [
		bold(`libpcap compiled it to ${classic.length} instructions of classic BPF:`),
		...classic,
		'',
		bold(
			`in the kernel (${kernel.hook}) ${kernel.instructions} instructions of eBPF run in front of the tap:`,
		),
		...kernel.listing,
	].join('\n');
}

export function filterCommand(): Command {
	return new Command('filter')
		.description('explain a filter: what libpcap makes of it, what runs in the kernel')
		.argument('<expression>', 'in the language of tcpdump, man pcap-filter')
		.addOption(
			new Option('--hook <hook>', 'the program for this hook').choices(['tc', 'xdp']).default('tc'),
		)
		.option('--json', 'print JSON')
		.addHelpText('after', "\nExample:\n  xspan filter 'tcp[tcpflags] & tcp-syn != 0'")
		.action((expression: string, options: { hook: 'tc' | 'xdp'; json?: boolean }) => {
			const explained = explainFilter(expression, options.hook);
			console.log(options.json ? JSON.stringify(explained) : text(explained));
		});
}
