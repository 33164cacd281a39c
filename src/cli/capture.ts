import { Command } from 'commander';
import {
	type CaptureSpec,
	capture,
	parseCount,
	parseSize,
	planCapture,
	readHost,
	SNAPLEN,
	XspanError,
} from '../index.ts';
import { addCommonOptions, type CommonOptions, commonSpec, option } from './options.ts';
import { runSession } from './run.ts';

interface CaptureOptions extends CommonOptions {
	write: string;
	snaplen?: number;
	buffer?: number;
	fileSize?: number;
	rotateSeconds?: number;
	files?: number;
	force?: boolean;
}

/** tcpdump's -C counts in millions of bytes. */
const MEGABYTE = 1_000_000;

function specOf(sources: string[], options: CaptureOptions): CaptureSpec {
	return {
		...commonSpec(sources, options),
		...(options.snaplen === undefined ? {} : { snaplen: options.snaplen }),
		...(options.buffer === undefined ? {} : { bufferBytes: options.buffer }),
		write: {
			path: options.write,
			force: options.force === true,
			...(options.fileSize === undefined ? {} : { fileBytes: options.fileSize * MEGABYTE }),
			...(options.rotateSeconds === undefined
				? {}
				: { filePeriodMs: options.rotateSeconds * 1000 }),
			...(options.files === undefined ? {} : { files: options.files }),
		},
	};
}

function refuseTerminal(path: string): void {
	if (path === '-' && process.stdout.isTTY)
		throw new XspanError('usage', 'stdout_is_terminal', 'pcapng is not for a terminal', {
			hint: 'write to a file, or pipe it: xspan capture eth0 -w - | wireshark -k -i -',
		});
}

const whole = (what: string, min: number, max: number) =>
	option((text) => parseCount(text, what, min, max));

export function captureCommand(): Command {
	const command = new Command('capture')
		.description('write what interfaces receive and send to a pcapng file')
		.argument(
			'<source...>',
			"eth0, 'veth*', container:NAME, pid:PID/eth0, netns:NAME/eth0, bridge:br0, mac:..., ip:...",
		)
		.requiredOption(
			'-w, --write <file>',
			'output file, of mode 0600 and not there yet (or --force); - is standard output',
		)
		.option(
			'-s, --snaplen <bytes>',
			`bytes kept of each frame, ${SNAPLEN.min} to ${SNAPLEN.max} (default: all)`,
			whole('snaplen', SNAPLEN.min, SNAPLEN.max),
		)
		.option(
			'-C, --file-size <MB>',
			'start a new file before one grows beyond this many million bytes',
			whole('file size', 1, 1_000_000),
		)
		.option(
			'-G, --rotate-seconds <s>',
			'start a new file every so many seconds; strftime conversions in the name are replaced',
			whole('seconds', 1, 2_000_000),
		)
		.option(
			'-W, --files <n>',
			'with -C: keep the newest n files; with -G: end after n files',
			whole('files', 1, 999_999),
		)
		.option(
			'--buffer <size>',
			'memory of all rings together: 4M, 1G (default: 64M)',
			option((text) => parseSize(text)),
		)
		.option('--force', 'overwrite existing files');
	return addCommonOptions(command)
		.addHelpText(
			'after',
			`
Examples:
  xspan capture eth0 -w out.pcapng -c 1000
  xspan capture eth0 -w - | wireshark -k -i -
  xspan capture eth0 eth1 -w 'day-%F-%H.pcapng' -G 3600 -s 128
  xspan capture eth0 -w ring.pcapng -C 100 -W 10`,
		)
		.action(async (sources: string[], options: CaptureOptions) => {
			const spec = specOf(sources, options);
			if (options.dryRun) {
				console.log(JSON.stringify(planCapture(spec, readHost()), null, '\t'));
				return;
			}
			refuseTerminal(options.write);
			process.exitCode = await runSession((live) => capture({ ...spec, ...live }), {
				json: options.json === true,
				interval: options.interval,
				stdoutTaken: options.write === '-',
			});
		});
}
