/** Independent readers of what xspan writes: Wireshark's tools. Each fails on any complaint. */
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { expect } from 'vitest';
import type { Host, Run } from './lab.ts';
import { until } from './lab.ts';

/** Wireshark's remark about its user, which says nothing about the file. */
const AS_ROOT = /^Running as user "root" and group "root"\. This could be dangerous\.\n/;

function read(command: string, args: string[]): string {
	const { status, stdout, stderr, error } = spawnSync(command, args, {
		encoding: 'utf8',
		maxBuffer: 2 ** 30,
	});
	if (error) throw error;
	expect(stderr.replace(AS_ROOT, ''), `${command} ${args.join(' ')} complains`).toBe('');
	expect(status, `${command} ${args.join(' ')}`).toBe(0);
	return stdout;
}

/** One row per frame, one column per field. An absent field is an empty string. */
export function tshark(file: string, fields: readonly string[], ...args: string[]): string[][] {
	const columns = fields.flatMap((field) => ['-e', field]);
	const out = read('tshark', ['-n', '-r', file, '-T', 'fields', ...columns, ...args]);
	return out
		.split('\n')
		.slice(0, -1)
		.map((row) => row.split('\t'));
}

/** The values of fields of the file itself (its blocks), in the order of the blocks. */
export function blocks<Field extends string>(
	file: string,
	...fields: Field[]
): Record<Field, string[]> {
	const rows = tshark(file, fields, '-X', 'read_format:MIME Files Format');
	const columns = fields.map((field, i) => [
		field,
		rows.flatMap((row) => (row[i] ?? '').split(',').filter(Boolean)),
	]);
	return Object.fromEntries(columns) as Record<Field, string[]>;
}

export interface FileInfo {
	packets: number;
	strictTimeOrder: boolean;
	/** Everything that capinfos says. */
	text: string;
}

export function capinfos(file: string): FileInfo {
	const text = read('capinfos', ['-M', file]);
	return {
		packets: Number(/^Number of packets:\s+(\d+)$/m.exec(text)?.[1]),
		strictTimeOrder: /^Strict time order:\s+True$/m.test(text),
		text,
	};
}

/** The frames' bytes as hexadecimal text. */
export function frameBytes(file: string): string[] {
	const out = read('tshark', ['-n', '-r', file, '-T', 'jsonraw', '-j', 'frame_raw']);
	const packets = JSON.parse(out) as { _source: { layers: { frame_raw: [string] } } }[];
	return packets.map((packet) => packet._source.layers.frame_raw[0]);
}

const PCAP = { fileHeader: 24, recordHeader: 16, lengthAt: 8 } as const;

/** The frames of a pcap file, up to where its writer has come. */
export function framesOf(file: string): Buffer[] {
	const bytes = readFileSync(file);
	const frames: Buffer[] = [];
	for (let at: number = PCAP.fileHeader; at + PCAP.recordHeader <= bytes.length; ) {
		const from = at + PCAP.recordHeader;
		at = from + bytes.readUInt32LE(at + PCAP.lengthAt);
		if (at <= bytes.length) frames.push(bytes.subarray(from, at));
	}
	return frames;
}

/** A copy of a pcap file that is still being written, without the record that may be cut off. */
export function wholeRecords(file: string): string {
	const length = framesOf(file).reduce((sum, frame) => sum + PCAP.recordHeader + frame.length, 0);
	const copy = `${file}.whole`;
	writeFileSync(copy, readFileSync(file).subarray(0, PCAP.fileHeader + length));
	return copy;
}

/** tcpdump on an interface that xspan does not know of. */
export class Listener {
	readonly file: string;
	private readonly run: Run;

	private constructor(run: Run, file: string) {
		this.run = run;
		this.file = file;
	}

	static async start(host: Host, name: string, file: string): Promise<Listener> {
		// In immediate mode each frame takes a slot of the snap length: room for 10,000 frames.
		const buffer = ['-s', '9216', '-B', String(16 * 10_000), '--immediate-mode'];
		const options = ['-p', '-n', '-U', '-Z', 'root', ...buffer];
		const run = host.spawn('tcpdump', ['-i', name, ...options, '-w', file]);
		await run.says(/listening on/);
		return new Listener(run, file);
	}

	/** Waits for so many frames, ends, and returns how many there were. */
	async hears(atLeast: number): Promise<number> {
		await until(
			() => framesOf(this.file).length >= atLeast,
			`${atLeast} frames in ${this.file}`,
			10_000,
			() => `there are ${framesOf(this.file).length}`,
		);
		const { stderr } = await this.run.stop();
		expect(stderr, 'tcpdump itself lost nothing').toMatch(/^0 packets dropped by kernel$/m);
		expect(stderr).not.toMatch(/[1-9]\d* packets? dropped by interface/);
		return Number(/^(\d+) packets? captured$/m.exec(stderr)?.[1]);
	}
}
