/** Sessions on one interface do not know of each other. */
import { expect, test } from 'vitest';
import { udpFrame } from '../harness/frames.ts';
import { Lab } from '../harness/lab.ts';

const SESSIONS = 32;
const FIRST_PORT = 1000;

test('32 sessions with different filters, each with its own ledger', {
	timeout: 180_000,
}, async () => {
	await using lab = new Lab();
	const [client, host] = [lab.host('client'), lab.host('host')];
	lab.wire(client, 'c0', host, 'eth0');
	host.exec('ethtool', '-K', 'eth0', 'gro', 'on'); // a veth takes redirected frames only so
	const run = host.program('many.mjs', 'eth0', String(SESSIONS), String(FIRST_PORT));
	await run.says(/ready/, 90_000);
	let sent = 0;
	for (let i = 0; i < SESSIONS; i++) {
		await client.send('c0', udpFrame(100, { port: FIRST_PORT + i }), 10 + i);
		sent += 10 + i;
	}
	run.child.stdin?.end('end\n');
	const { code, stdout, stderr } = await run.finished;
	expect(code, stderr).toBe(0);
	const ends = JSON.parse(stdout);
	expect(ends).toHaveLength(SESSIONS);
	for (const [i, { frames, ledger }] of ends.entries()) {
		expect(ledger.seen.frames).toBe(sent);
		expect(ledger.delivered).toEqual({ frames: 10 + i, bytes: 100 * (10 + i) });
		expect(ledger.filtered.frames).toBe(sent - 10 - i);
		expect(ledger.in_flight).toEqual({ frames: 0, bytes: 0 });
		expect(frames).toBe(10 + i);
	}
});
