/** Rotation as tcpdump does it: each file is complete, and no frame is lost or doubled over them. */
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { udpFrame } from '../harness/frames.ts';
import { type Host, Lab, sleep } from '../harness/lab.ts';
import { observe } from '../harness/observed.ts';
import { capinfos, tshark } from '../harness/readers.ts';
import { scene } from '../harness/scene.ts';

const NUMBER_AT = 46;
const MEGABYTE = 1_000_000;
const LENGTH = 1000;

const base = (path: string): string => path.slice(path.lastIndexOf('/') + 1);

/** The numbers of the frames of a file, which the source has put in. */
function numbers(file: string): number[] {
	return tshark(file, ['udp.payload']).map(([payload]) => {
		const bytes = Buffer.from((payload as string).replaceAll(':', ''), 'hex');
		return Number(bytes.readBigUInt64LE(NUMBER_AT - 42));
	});
}

/** Opens every file of a directory, as a user of the captures would, in the order of writing. */
function readAll(directory: string): { files: string[]; numbers: number[][] } {
	const files = readdirSync(directory).map((name) => join(directory, name));
	for (const file of files) {
		expect(capinfos(file).strictTimeOrder, file).toBe(true);
		expect(statSync(file).mode & 0o777, file).toBe(0o600);
	}
	const all = files.map((file) => ({ file, numbers: numbers(file) }));
	all.sort((a, b) => (a.numbers[0] ?? Infinity) - (b.numbers[0] ?? Infinity));
	return { files: all.map((each) => each.file), numbers: all.map((each) => each.numbers) };
}

const upTo = (count: number): number[] => Array.from({ length: count }, (_, number) => number);

/** Numbers go on where the last call stopped. */
async function sendSlowly(client: Host, batches: number, pauseMs: number): Promise<number> {
	const args = ['c0', udpFrame(LENGTH).toString('hex'), String(batches), String(NUMBER_AT)];
	const run = client.spawn('python3', [
		'test/harness/programs/raw-send.py',
		...args,
		String(pauseMs / 1000),
	]);
	const { code, stderr } = await run.finished;
	expect(code, stderr).toBe(0);
	return batches;
}

test('-C: no file is larger, and all frames are in one of them', async () => {
	await using lab = new Lab();
	const { client, host } = scene(lab);
	const directory = lab.directory();
	const args = ['capture', 'h0', '-w', join(directory, 'out'), '-C', '1', '--direction', 'rx'];
	const session = await observe(host, ...args);
	await client.send('c0', udpFrame(LENGTH), 4500, NUMBER_AT);
	await session.sees(4500);
	const { line } = await session.stop();
	expect(line.ledger.delivered.frames).toBe(4500);
	const read = readAll(directory);
	expect(read.files.map(base)).toEqual(['out', 'out1', 'out2', 'out3', 'out4']);
	for (const file of read.files) expect(statSync(file).size).toBeLessThanOrEqual(MEGABYTE);
	// Full files are full: not one more frame would have fitted twice over.
	for (const file of read.files.slice(0, -1))
		expect(statSync(file).size).toBeGreaterThan(MEGABYTE - 3 * LENGTH);
	expect(read.numbers.flat()).toEqual(upTo(4500));
});

test('-C -W: a ring of files keeps the newest frames', async () => {
	await using lab = new Lab();
	const { client, host } = scene(lab);
	const directory = lab.directory();
	const path = join(directory, 'ring');
	const args = ['capture', 'h0', '-w', path, '-C', '1', '-W', '3', '--direction', 'rx'];
	const session = await observe(host, ...args);
	await client.send('c0', udpFrame(LENGTH), 6500, NUMBER_AT);
	await session.sees(6500);
	const { line } = await session.stop();
	expect(line.ledger.delivered.frames).toBe(6500);
	const read = readAll(directory);
	expect(read.files.map(base).sort()).toEqual(['ring0', 'ring1', 'ring2']);
	const kept = read.numbers.flat();
	expect(kept.length).toBeGreaterThan(1900);
	expect(kept).toEqual(upTo(6500).slice(-kept.length));
});

test('-G with strftime: a file for each second in which there were frames', async () => {
	await using lab = new Lab();
	const { client, host } = scene(lab);
	const directory = lab.directory();
	const path = join(directory, 'at-%F-%H%M%S.pcapng');
	const args = ['capture', 'h0', '-w', path, '-G', '1', '--direction', 'rx'];
	const session = await observe(host, ...args);
	const count = await sendSlowly(client, 100, 35);
	await session.sees(count);
	await session.stop();
	const read = readAll(directory);
	expect(read.files.length).toBeGreaterThanOrEqual(3);
	for (const file of read.files) expect(base(file)).toMatch(/^at-\d{4}-\d\d-\d\d-\d{6}\.pcapng$/);
	// The first file is made when the session begins, and its second may pass without a frame.
	const filled = read.files.filter((_, i) => read.numbers[i]?.length !== 0);
	expect(filled.length).toBeGreaterThanOrEqual(read.files.length - 1);
	expect(filled.map(base)).toEqual(filled.map(base).sort());
	expect(read.numbers.flat()).toEqual(upTo(count));
	for (const file of filled) {
		const times = tshark(file, ['frame.time_epoch']).map((row) => Number(row[0]));
		expect((times.at(-1) as number) - (times[0] as number)).toBeLessThan(1);
	}
});

test('-G -W: ends by itself after so many files', async () => {
	await using lab = new Lab();
	const { client, host } = scene(lab);
	const directory = lab.directory();
	const path = join(directory, 'two-%s');
	const args = ['capture', 'h0', '-w', path, '-G', '1', '-W', '2', '--direction', 'rx'];
	const session = await observe(host, ...args);
	await sendSlowly(client, 100, 40);
	const { line } = await session.ends();
	expect(line.end).toBe('files');
	const read = readAll(directory);
	expect(read.files).toHaveLength(2);
	const kept = read.numbers.flat();
	expect(kept).toEqual(upTo(kept.length));
	expect(kept.length).toBe(line.ledger.delivered.frames);
});

test('-C -G: both start new files', async () => {
	await using lab = new Lab();
	const { client, host } = scene(lab);
	const directory = lab.directory();
	const path = join(directory, 'both-%s');
	const args = ['capture', 'h0', '-w', path, '-C', '1', '-G', '2', '--direction', 'rx'];
	const session = await observe(host, ...args);
	await client.send('c0', udpFrame(LENGTH), 2500, NUMBER_AT);
	await session.sees(2500);
	await sleep(2100);
	await client.send('c0', udpFrame(LENGTH), 500, NUMBER_AT);
	await session.sees(3000);
	await session.stop();
	const files = readdirSync(directory).map((name) => join(directory, name));
	expect(files.length).toBeGreaterThanOrEqual(4);
	let total = 0;
	for (const file of files) {
		expect(statSync(file).size).toBeLessThanOrEqual(MEGABYTE);
		total += capinfos(file).packets;
	}
	expect(total).toBe(3000);
	const sent = files.flatMap(numbers).sort((a, b) => a - b);
	expect(sent).toEqual([...upTo(2500), ...upTo(500)].sort((a, b) => a - b));
});

test('an existing file is refused and unharmed, --force overwrites it', async () => {
	await using lab = new Lab();
	const { client, host } = scene(lab);
	const path = join(lab.directory(), 'mine');
	writeFileSync(path, 'dear to somebody', { mode: 0o644 });
	const refused = await host.xspan('capture', 'h0', '-w', path).finished;
	expect(refused.code).toBe(6);
	expect(refused.stderr).toMatch(/exists already/);
	expect(refused.stderr).toMatch(/--force/);
	expect(readFileSync(path, 'utf8')).toBe('dear to somebody');
	const args = ['capture', 'h0', '-w', path, '--force', '-c', '5'];
	const session = await observe(host, ...args);
	await client.send('c0', udpFrame(64), 5);
	await session.ends();
	expect(capinfos(path).packets).toBe(5);
	expect(statSync(path).mode & 0o777).toBe(0o600);
});

test('an existing file in the way of a later one is unharmed, too', async () => {
	await using lab = new Lab();
	const { client, host } = scene(lab);
	const directory = lab.directory();
	writeFileSync(join(directory, 'out1'), 'dear to somebody');
	const args = ['capture', 'h0', '-w', join(directory, 'out'), '-C', '1', '--direction', 'rx'];
	const session = await observe(host, ...args);
	await client.send('c0', udpFrame(LENGTH), 2500, NUMBER_AT);
	const { finished, line } = await session.ends(6);
	expect(finished.stderr).toMatch(/out1 exists already/);
	expect(readFileSync(join(directory, 'out1'), 'utf8')).toBe('dear to somebody');
	expect(existsSync(join(directory, 'out2'))).toBe(false);
	const kept = numbers(join(directory, 'out'));
	expect(kept).toEqual(upTo(line.ledger.delivered.frames));
	capinfos(join(directory, 'out'));
});
