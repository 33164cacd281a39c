/** `xspan sflow` in a namespace, with a collector on loopback that keeps every datagram. */
import { join } from 'node:path';
import { expect } from 'vitest';
import type { SflowEnd } from '../../src/session/sflow.ts';
import { type Host, type Lab, type Run, until } from './lab.ts';
import { Listener } from './readers.ts';
import { type DecodedDatagram, type DecodedFlow, decode, flows, payloads } from './sflow.ts';

const PORT = 6343;

/** An emulated machine takes its time. */
const PATIENT_MS = 120_000;

type Line = Omit<SflowEnd, 'reason'> & { end?: string };

export interface Ended {
	last: Line;
	stderr: string;
	datagrams: DecodedDatagram[];
	flows: DecodedFlow[];
	/** The capture with the datagrams. */
	file: string;
}

export class SflowCommand {
	readonly run: Run;
	private readonly listener: Listener;

	private constructor(run: Run, listener: Listener) {
		this.run = run;
		this.listener = listener;
	}

	static async start(lab: Lab, host: Host, ...args: string[]): Promise<SflowCommand> {
		const receive = ['test/harness/programs/udp-receive.py', String(PORT), '1000000'];
		await host.spawn('python3', receive).says(/listening/, PATIENT_MS);
		const listener = await Listener.start(host, 'lo', join(lab.directory(), 'out.pcap'));
		const options = ['--collector', `127.0.0.1:${PORT}`, '--agent', '192.0.2.1', '--json'];
		const run = host.xspan('sflow', ...args, ...options);
		await run.says(/"seen"/, PATIENT_MS);
		return new SflowCommand(run, listener);
	}

	get lines(): Line[] {
		const lines = this.run.stdout.split('\n').slice(0, -1);
		return lines.map((line) => JSON.parse(line));
	}

	/** Ends it; what it said at last, and everything that it sent. */
	async end(): Promise<Ended> {
		const { code, stderr } = await this.run.stop();
		expect(code, stderr).toBe(0);
		const last = this.lines.at(-1) as Line;
		let hex: string[] = [];
		await until(
			() => {
				hex = payloads(this.listener.file, PORT);
				return hex.length >= last.sflow.datagrams;
			},
			`${last.sflow.datagrams} datagrams`,
			PATIENT_MS,
		);
		const datagrams = decode(hex);
		expect(datagrams.map(({ sequence }) => sequence)).toEqual(datagrams.map((_, i) => i + 1));
		return { last, stderr, datagrams, flows: flows(datagrams), file: this.listener.file };
	}
}
