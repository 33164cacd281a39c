import { Command, Option } from 'commander';
import {
	checkSflow,
	HEADER_BYTES,
	parseCollector,
	parseCount,
	parseMaxSamples,
	parsePolling,
	parseSampling,
	parseSize,
	planSflow,
	type SflowSessionSpec,
	sflow,
} from '../index.ts';
import { addSessionOptions, option, type SessionOptions, sessionSpec } from './options.ts';
import { runSession } from './run.ts';

interface SflowOptions extends SessionOptions {
	collector: string[];
	sampling?: number;
	polling?: number;
	header?: number;
	agent?: string;
	subAgent?: number;
	internalPort?: 'internal' | 'unknown';
	tunnels?: boolean;
	maxSamples?: number;
	buffer?: number;
}

function specOf(sources: string[], options: SflowOptions): SflowSessionSpec {
	return {
		...sessionSpec(sources, options),
		collectors: options.collector,
		...(options.sampling === undefined ? {} : { sampling: options.sampling }),
		...(options.polling === undefined ? {} : { pollingMs: options.polling }),
		...(options.header === undefined ? {} : { headerBytes: options.header }),
		...(options.agent === undefined ? {} : { agent: options.agent }),
		...(options.subAgent === undefined ? {} : { subAgent: options.subAgent }),
		...(options.internalPort === undefined ? {} : { internalPort: options.internalPort }),
		...(options.tunnels ? { tunnels: true } : {}),
		...(options.maxSamples === undefined ? {} : { maxSamplesPerSecond: options.maxSamples }),
		...(options.buffer === undefined ? {} : { bufferBytes: options.buffer }),
	};
}

/** One more of an option that may be given several times. */
function collectorOption(text: string, before: string[] = []): string[] {
	option(parseCollector)(text);
	return [...before, text];
}

function addAgentOptions(command: Command): Command {
	return command
		.requiredOption(
			'--collector <host[:port]>',
			'where datagrams go; may be given several times',
			collectorOption,
		)
		.option(
			'--sampling <1/N>',
			'sample a random one in N frames (default: 1/1000)',
			option(parseSampling),
		)
		.option(
			'--polling <time>',
			'between two reports of the counters; 0: none (default: 20s)',
			option(parsePolling),
		)
		.option(
			'--header <bytes>',
			'bytes of each sampled frame (default: 128)',
			option((t) => parseCount(t, 'header bytes', HEADER_BYTES.min, HEADER_BYTES.max)),
		)
		.option('--agent <address>', 'the address by which collectors know this host')
		.option(
			'--sub-agent <n>',
			'tells apart several agents on one address (default: 0)',
			option((t) => parseCount(t, 'sub-agent', 0, 2 ** 32 - 1)),
		)
		.addOption(
			new Option(
				'--internal-port <how>',
				'what stands for the host itself: 0x3FFFFFFF, or 0 for old collectors',
			).choices(['internal', 'unknown']),
		)
		.option(
			'--tunnels',
			'say where frames of tunnels of this host begin inside, and their VNI (default: no)',
		)
		.option(
			'--max-samples <n/s>',
			'above it the sampling rate backs off (default: no limit)',
			option(parseMaxSamples),
		)
		.option(
			'--buffer <size>',
			'memory of all rings together: 4M, 1G (default: 64M)',
			option((text) => parseSize(text)),
		);
}

export function sflowCommand(): Command {
	const command = new Command('sflow')
		.description('sample interfaces, and send the samples and counters to sFlow collectors')
		.argument(
			'<source...>',
			"eth0, 'veth*', container:web, netns:blue, bridge:br0, mac:..., ip:...",
		);
	return addSessionOptions(addAgentOptions(command))
		.addHelpText(
			'after',
			`
Examples:
  xspan sflow eth0 --collector 192.0.2.9
  xspan sflow eth0 'veth*' --collector 192.0.2.9 --collector [2001:db8::9]:6343 --sampling 1/400
  xspan sflow container:web --collector 192.0.2.9
  xspan sflow eth0 --collector 192.0.2.9 --max-samples 5000/s --polling 10s --header 256`,
		)
		.action(async (sources: string[], options: SflowOptions) => {
			const spec = specOf(sources, options);
			if (options.dryRun) {
				const plan = { ...planSflow(spec), sflow: checkSflow(spec) };
				console.log(JSON.stringify(plan, null, '\t'));
				return;
			}
			process.exitCode = await runSession((live) => sflow({ ...spec, ...live }), {
				json: options.json === true,
				interval: options.interval,
				stdoutTaken: false,
			});
		});
}
