import { Command } from 'commander';
import { checkHost, checkInterface, EXIT, type Finding } from '../index.ts';
import { dim, green, red, yellow } from './print.ts';

const MARK = { ok: green('ok  '), warn: yellow('warn'), fail: red('FAIL') };

function line(finding: Finding, width: number): string {
	const remedy = finding.remedy ? dim(` -> ${finding.remedy}`) : '';
	return `${MARK[finding.state]} ${finding.check.padEnd(width)}  ${finding.detail}${remedy}`;
}

function exitCodeOf(findings: Finding[]): number {
	const failed = findings.filter((finding) => finding.state === 'fail');
	if (failed.some((finding) => finding.check === 'capabilities')) return EXIT.permission;
	return failed.length ? EXIT.unsupported : EXIT.ok;
}

export function doctorCommand(): Command {
	return new Command('doctor')
		.description(
			'say what this kernel, these privileges and an interface can do, and what to do about the rest',
		)
		.argument('[interface]', 'also look at this interface')
		.option('--json', 'print JSON')
		.addHelpText(
			'after',
			'\nExits with 4 when a capability is missing, with 5 when the kernel or the interface cannot do it.',
		)
		.action((name: string | undefined, options: { json?: boolean }) => {
			const findings = [...checkHost(), ...(name === undefined ? [] : checkInterface(name))];
			const width = Math.max(...findings.map((finding) => finding.check.length));
			if (options.json) console.log(JSON.stringify(findings));
			else for (const finding of findings) console.log(line(finding, width));
			process.exitCode = exitCodeOf(findings);
		});
}
