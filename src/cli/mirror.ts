import { Command } from 'commander';
import { type MirrorSpec, mirror, planMirror, readHost } from '../index.ts';
import { addCommonOptions, type CommonOptions, commonSpec } from './options.ts';
import { runSession } from './run.ts';

interface MirrorOptions extends CommonOptions {
	to: string;
}

export function mirrorCommand(): Command {
	const command = new Command('mirror')
		.description('copy what interfaces receive and send to another interface, inside the kernel')
		.argument('<interface...>', 'sources, as `ip link` names them')
		.requiredOption('--to <destination>', 'where copies go: port:NAME');
	return addCommonOptions(command)
		.addHelpText(
			'after',
			`
Examples:
  xspan mirror eth0 --to port:ids0
  xspan mirror eth0 eth1 --to port:ids0 --direction rx --duration 30s --json`,
		)
		.action(async (sources: string[], options: MirrorOptions) => {
			const spec: MirrorSpec = { ...commonSpec(sources, options), to: options.to };
			if (options.dryRun) {
				console.log(JSON.stringify(planMirror(spec, readHost()), null, '\t'));
				return;
			}
			process.exitCode = await runSession((live) => mirror({ ...spec, ...live }), {
				json: options.json === true,
				interval: options.interval,
				stdoutTaken: false,
			});
		});
}
