/** Outputs that end before the session does: a reader that leaves, a disk that is full. */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { udpFrame } from '../harness/frames.ts';
import { hooks } from '../harness/hooks.ts';
import { type Host, Lab, type Run, until } from '../harness/lab.ts';
import { attached } from '../harness/observed.ts';
import { capinfos } from '../harness/readers.ts';
import { scene } from '../harness/scene.ts';
import { root } from '../harness/testkit.ts';

const XSPAN = `${process.execPath} ${join(root, 'dist/cli/main.js')}`;

/** A shell pipeline in the namespace of a host. */
const shell = (host: Host, script: string): Run => host.spawn('bash', ['-c', script]);

test('-w - is live: a reader has each frame before the next one is sent', async () => {
	await using lab = new Lab();
	const { client, host } = scene(lab);
	const reader = shell(
		host,
		`${XSPAN} capture h0 -w - --json --interval 20ms -c 3 | tshark -n -l -i - -T fields -e frame.len`,
	);
	await attached(reader);
	for (const [index, length] of [101, 102, 103].entries()) {
		await client.send('c0', udpFrame(length), 1);
		const rows = () => reader.stdout.split('\n').slice(0, -1);
		await until(() => rows().length > index, `frame ${length}`);
		expect(rows().map(Number)).toEqual([101, 102, 103].slice(0, index + 1));
	}
	expect((await reader.finished).code).toBe(0);
});

test('a closed pipe ends the session quietly', async () => {
	await using lab = new Lab();
	const { client, host } = scene(lab);
	// The reader takes the head of the file and a little more, then leaves.
	const run = shell(
		host,
		`${XSPAN} capture h0 -w - --json --interval 20ms --direction rx | head -c 2000 >/dev/null; echo "exit \${PIPESTATUS[0]}"`,
	);
	const session = await attached(run);
	await client.send('c0', udpFrame(1000), 500);
	const { finished, line } = await session.ends();
	expect(finished.stdout).toBe('exit 0\n');
	expect(line.end).toBe('pipe_closed');
	const talk = finished.stderr.split('\n').filter((text) => !text.startsWith('{"time"'));
	expect(talk.filter(Boolean)).toEqual([]);
	expect(hooks(host, 'h0')).toMatchObject({ rx: [], tx: [] });
});

test('a closed pipe says nothing that looks like an error without --json either', async () => {
	await using lab = new Lab();
	const { client, host } = scene(lab);
	const run = shell(
		host,
		`${XSPAN} capture h0 -w - | head -c 500 >/dev/null; echo "exit \${PIPESTATUS[0]}"`,
	);
	await run.says(/capturing/);
	await client.send('c0', udpFrame(1000), 500);
	const { stdout, stderr } = await run.finished;
	expect(stdout).toBe('exit 0\n');
	expect(stderr).toMatch(/the reader closed the pipe/);
	expect(stderr).toMatch(/the ledger balances/);
	expect(stderr).not.toMatch(/error|EPIPE|xspan:/i);
});

/** Captures to a file system of one MiB that only this process sees, and copies the file out. */
function onSmallDisk(host: Host, copy: string): Run {
	const script = `
		mount -t tmpfs -o size=1m tmpfs /mnt || exit 99
		${XSPAN} capture h0 -w /mnt/full.pcapng --direction rx --json --interval 20ms
		code=$?
		cp --preserve=mode /mnt/full.pcapng ${copy} || exit 98
		exit $code`;
	return host.spawn('unshare', ['--mount', 'bash', '-c', script]);
}

test('a full disk ends the session, and says how many frames are safe', async () => {
	await using lab = new Lab();
	const { client, host } = scene(lab);
	const copy = join(lab.directory(), 'full.pcapng');
	const run = onSmallDisk(host, copy);
	const session = await attached(run);
	await client.send('c0', udpFrame(1000), 3000);
	const { code, stderr } = await run.finished;
	expect(code, stderr).toBe(7);
	const said = Number(/(\d+) frames are safely written/.exec(stderr)?.[1]);
	expect(said).toBeGreaterThan(0);
	expect(capinfos(copy).packets).toBe(said);
	expect(statSync(copy).mode & 0o777).toBe(0o600);
	expect(stderr).not.toMatch(/^ {4}at /m);
	expect(hooks(host, 'h0')).toMatchObject({ rx: [], tx: [] });
	expect(session.lines().length).toBeGreaterThan(0);
});

test('the last --json line after a full disk is the final state, and it balances', async () => {
	await using lab = new Lab();
	const { client, host } = scene(lab);
	const copy = join(lab.directory(), 'full.pcapng');
	const session = await attached(onSmallDisk(host, copy));
	await client.send('c0', udpFrame(1000), 3000);
	const { line } = await session.ends(7);
	expect(line.ledger.delivered.frames).toBe(capinfos(copy).packets);
	expect(line.ledger.lost_by['write_failed']?.frames).toBeGreaterThan(0);
});

test('a device that is full from the start', async () => {
	await using lab = new Lab();
	const { host } = scene(lab);
	const { code, stderr } = await host.xspan('capture', 'h0', '-w', '/dev/full').finished;
	expect(code, stderr).toBe(7);
	expect(stderr).toMatch(/cannot write \/dev\/full: no space left on device/);
	expect(hooks(host, 'h0')).toMatchObject({ rx: [], tx: [] });
});

test('a reader that does not read cannot keep the session from ending', async () => {
	await using lab = new Lab();
	const { client, host } = scene(lab);
	const options = '--direction rx --json --interval 20ms --buffer 1M --duration 5s';
	const run = shell(
		host,
		`${XSPAN} capture h0 -w - ${options} | sleep 12; echo "exit \${PIPESTATUS[0]}"`,
	);
	const session = await attached(run);
	await client.send('c0', udpFrame(1000), 20_000);
	const { finished, line } = await session.ends();
	expect(finished.stdout).toBe('exit 0\n');
	expect(line.end).toBe('duration');
	expect(line.ledger.seen.frames).toBe(20_000);
	expect(line.ledger.lost.frames).toBeGreaterThan(0);
});
