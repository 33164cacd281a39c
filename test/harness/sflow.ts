/** sFlow datagrams as an independent decoder reads them: test/harness/programs/sflow-decode.py. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import type { SflowStatus } from '../../src/sflow/agent.ts';
import type { FlowSample, TunnelEnd } from '../../src/sflow/sample.ts';
import { udpFrame } from './frames.ts';
import { type Host, type Run, until } from './lab.ts';
import { tshark, wholeRecords } from './readers.ts';
import { root } from './testkit.ts';

type Fields = Record<string, unknown>;

interface DecodedSample {
	type: 'flow' | 'counters';
	expanded: boolean;
	sequence: number;
	source: { class: number; index: number };
	/** By the names of the specification. */
	records: Record<string, Fields>;
}

export interface DecodedFlow extends DecodedSample {
	type: 'flow';
	rate: number;
	pool: number;
	drops: number;
	input: { format: number; value: number };
	output: { format: number; value: number };
}

export interface DecodedCounters extends DecodedSample {
	type: 'counters';
}

export interface DecodedDatagram {
	length: number;
	agent: string;
	sub_agent: number;
	sequence: number;
	uptime: number;
	samples: (DecodedFlow | DecodedCounters)[];
}

/** @throws what the decoder complains of */
export function decode(datagrams: readonly string[]): DecodedDatagram[] {
	const { status, stdout, stderr } = spawnSync(
		'python3',
		[join(root, 'test/harness/programs/sflow-decode.py')],
		{ input: datagrams.join('\n'), encoding: 'utf8', maxBuffer: 2 ** 30 },
	);
	if (status !== 0) throw new Error(stderr);
	return JSON.parse(stdout);
}

export const flows = (datagrams: readonly DecodedDatagram[]): DecodedFlow[] =>
	datagrams.flatMap(({ samples }) => samples.filter((sample) => sample.type === 'flow'));

export const counters = (datagrams: readonly DecodedDatagram[]): DecodedCounters[] =>
	datagrams.flatMap(({ samples }) => samples.filter((sample) => sample.type === 'counters'));

/** The payloads of the datagrams in a capture that went to a port, in hexadecimal. */
export const payloads = (file: string, port: number): string[] =>
	tshark(
		wholeRecords(file),
		['udp.payload'],
		'-Y',
		`udp.dstport == ${port} && !icmp && !icmpv6`,
		// Inside a sample it would find UDP again.
		'--disable-protocol',
		'sflow',
	).map(([payload]) => payload as string);

/** All of its records; no frame is both, received and sent. */
export const TUNNEL: Required<TunnelEnd> = {
	decapsulateEgress: 50,
	decapsulateIngress: 0,
	vniEgress: 0xffffff,
	vniIngress: 0,
	ipv4Egress: {
		source: Uint8Array.of(192, 0, 2, 1),
		destination: Uint8Array.of(192, 0, 2, 9),
		protocol: 47,
		tos: 0x28,
		overhead: 28,
	},
};

/** A sample of a complete UDP frame, with every field at a value of its own. */
export function flowSample(more: Partial<FlowSample> = {}): FlowSample {
	const header = udpFrame(100);
	return {
		source: 1,
		direction: 'rx',
		protocol: 'ethernet',
		header,
		frameLength: header.length,
		segments: 1,
		input: 1,
		output: 2,
		timestampNs: 1_700_000_000_123_456_789n,
		rate: 1000,
		pool: 4321,
		drops: 5,
		...more,
	};
}

/** An agent in a process of its own, in a namespace: test/harness/programs/sflow-agent.mjs. */
export class AgentProcess {
	readonly run: Run;

	private constructor(run: Run) {
		this.run = run;
	}

	static async start(host: Host, spec: object): Promise<AgentProcess> {
		const run = host.program('sflow-agent.mjs', JSON.stringify(spec));
		await run.says(/ready/);
		return new AgentProcess(run);
	}

	add(ifindex: number): void {
		this.command({ add: ifindex });
	}

	remove(ifindex: number): void {
		this.command({ remove: ifindex });
	}

	sample(sample: FlowSample, times = 1, poolStep = 0): void {
		const { header, timestampNs, router, ...plain } = sample;
		const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
		this.command({
			sample: {
				...plain,
				header: hex(header),
				timestampNs: String(timestampNs),
				...(router ? { router: { ...router, nextHop: hex(router.nextHop) } } : {}),
			},
			times,
			poolStep,
		});
	}

	async status(): Promise<SflowStatus> {
		const before = this.statuses().length;
		this.command({ status: true });
		await until(() => this.statuses().length > before, 'a status');
		return this.statuses().at(-1) as SflowStatus;
	}

	/** Ends it; its last status. */
	async close(): Promise<SflowStatus> {
		this.command({ close: true });
		const { code, stderr } = await this.run.finished;
		if (code !== 0) throw new Error(stderr);
		return this.statuses().at(-1) as SflowStatus;
	}

	kill(): void {
		this.run.child.kill('SIGKILL');
	}

	private statuses(): SflowStatus[] {
		const lines = this.run.stdout.split('\n').slice(0, -1);
		return lines.filter((line) => line.startsWith('{')).map((line) => JSON.parse(line));
	}

	private command(command: object): void {
		this.run.child.stdin?.write(`${JSON.stringify(command)}\n`);
	}
}
