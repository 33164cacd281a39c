import { Command } from 'commander';
import { clean, type Leftover } from '../index.ts';
import { given } from './options.ts';

function describe(leftover: Leftover): string {
	const where = leftover.interface ?? `ifindex ${leftover.ifindex}`;
	const thing = leftover.kind === 'mirror_port' ? `mirror port ${where}` : `tc filter on ${where}`;
	const what = `${thing}, left by process ${leftover.pid}`;
	return leftover.removed ? `removed: ${what}` : `not removed: ${what} (${leftover.reason})`;
}

export function cleanCommand(): Command {
	return new Command('clean')
		.description('remove what killed runs left behind, and say what')
		.option('--json', 'print JSON')
		.action((options: { json?: boolean }) => {
			const leftovers = clean();
			if (options.json) console.log(JSON.stringify(leftovers.map(given)));
			else if (leftovers.length === 0) console.log('nothing was left behind');
			else for (const leftover of leftovers) console.log(describe(leftover));
		});
}
