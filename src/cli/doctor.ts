import { Command } from 'commander';
import { EXIT } from '../errors.ts';
import { checkHost, checkInterface, type Finding } from '../index.ts';
import { dim, green, red, yellow } from './print.ts';

const MARK = { ok: green('ok  '), warn: yellow('warn'), fail: red('FAIL') };

function line(finding: Finding, width: number): string {
	const remedy = finding.remedy ? dim(` -> ${finding.remedy}`) : '';
	return `${MARK[finding.state]} ${finding.check.padEnd(width)}  ${finding.detail}${remedy}`;
}

export function doctorCommand(): Command {
	return new Command('doctor')
		.description(
			'say what this kernel, these privileges and an interface can do, and what to do about the rest',
		)
		.argument('[interface]', 'also look at this interface')
		.option('--json', 'print JSON')
		.addHelpText('after', '\nExits with 5 when something that every session needs is missing.')
		.action((name: string | undefined, options: { json?: boolean }) => {
			const findings = [...checkHost(), ...(name === undefined ? [] : checkInterface(name))];
			const width = Math.max(...findings.map((finding) => finding.check.length));
			if (options.json) console.log(JSON.stringify(findings));
			else for (const finding of findings) console.log(line(finding, width));
			if (findings.some((finding) => finding.state === 'fail')) process.exitCode = EXIT.unsupported;
		});
}
