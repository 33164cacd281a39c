/** What must hold on every kernel from 6.1 on; scripts/test-kernels.sh runs it on several. */
import { release } from 'node:os';
import { expect, test } from 'vitest';
import { isAtLeast } from '../../src/doctor/doctor.ts';
import { udpFrame } from '../harness/frames.ts';
import { Lab } from '../harness/lab.ts';
import { expectBalanced, type Line, parseLines } from '../harness/ledger.ts';
import { scene } from '../harness/scene.ts';

const HOOK = isAtLeast(release(), 6, 6) ? 'tcx' : 'clsact';
const FRAMES = 2000;
/** Emulated machines take their time. */
const PATIENT_MS = 120_000;

test(`a mirror and a filtered capture at once, both at ${HOOK} by themselves`, async () => {
	await using lab = new Lab();
	const { client, host } = scene(lab);
	const file = `${lab.directory()}/out.pcapng`;
	const mirror = host.xspan('mirror', 'h0', '--to', 'port:m0', '--json');
	const capture = host.xspan(
		...['capture', 'h0', '-w', file, '-f', 'udp dst port 9', '--sample', '1/1', '--json'],
	);
	await mirror.says(/"seen"/, PATIENT_MS);
	await capture.says(/"seen"/, PATIENT_MS);
	await client.send('c0', udpFrame(100, { port: 8 }), FRAMES);
	await client.send('c0', udpFrame(100, { port: 9 }), FRAMES);
	const ends = [await mirror.stop(), await capture.stop()];
	expect(ends.map((end) => end.code)).toEqual([0, 0]);
	const [mirrored, captured] = ends.map((end) => parseLines(end.stdout).at(-1) as Line);
	for (const line of [mirrored, captured]) expectBalanced(line as Line);
	expect(mirrored?.taps.map((tap) => tap.hook)).toEqual([HOOK, HOOK]);
	expect(mirrored?.ledger.delivered.frames).toBe(2 * FRAMES);
	expect(captured?.ledger.seen.frames).toBe(2 * FRAMES);
	expect(captured?.ledger.filtered.frames).toBe(FRAMES);
	expect(captured?.ledger.delivered.frames).toBe(FRAMES);
	const ports = host.exec('tshark', '-r', file, '-T', 'fields', '-e', 'udp.dstport');
	expect(ports.trim().split('\n')).toEqual(new Array(FRAMES).fill('9'));
	for (const text of ends.map((end) => end.stderr))
		expect(text.includes('no_tcx'), 'a fallback is said').toBe(HOOK === 'clsact');
	expect(host.exec('tc', 'qdisc', 'show', 'dev', 'h0')).not.toContain('clsact');
});
