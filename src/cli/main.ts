#!/usr/bin/env node
/** The command line: reads arguments, calls the library, prints. */
import { Command, CommanderError } from 'commander';
import { EXIT, version } from '../index.ts';
import { captureCommand } from './capture.ts';
import { cleanCommand } from './clean.ts';
import { doctorCommand } from './doctor.ts';
import { filterCommand } from './filter.ts';
import { mirrorCommand } from './mirror.ts';
import { printError } from './print.ts';
import { promiscCommand } from './promisc.ts';
import { sflowCommand } from './sflow.ts';
import { topologyCommand } from './topology.ts';
import { whereCommand } from './where.ts';

const program = new Command('xspan')
	.description(
		'SPAN, RSPAN and ERSPAN sessions and packet capture for Linux, without promiscuous mode',
	)
	.version(version)
	.option('--debug', 'with an error, print its stack and the log of the verifier')
	.showHelpAfterError('(run with --help for the options)')
	.exitOverride()
	.addCommand(mirrorCommand())
	.addCommand(captureCommand())
	.addCommand(sflowCommand())
	.addCommand(filterCommand())
	.addCommand(whereCommand())
	.addCommand(topologyCommand())
	.addCommand(promiscCommand())
	.addCommand(doctorCommand())
	.addCommand(cleanCommand())
	.addHelpText(
		'after',
		'\nExit codes: 0 fine, 2 wrong usage, 3 not found, 4 not permitted, 5 not supported here,\n6 conflict, 7 output failed, 8 a device went away, 1 anything else.',
	);

for (const command of program.commands) command.exitOverride().copyInheritedSettings(program);

try {
	await program.parseAsync();
} catch (error) {
	if (error instanceof CommanderError)
		process.exitCode = error.exitCode === 0 ? EXIT.ok : EXIT.usage;
	else process.exitCode = printError(error, program.opts()['debug'] === true);
}
