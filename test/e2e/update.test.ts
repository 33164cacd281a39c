/** A live session changes its filter between two frames. */
import { expect, test } from 'vitest';
import { udpFrame } from '../harness/frames.ts';
import { Lab } from '../harness/lab.ts';

const COUNT = 400_000;
/** Behind Ethernet, IPv4 and UDP. */
const NUMBER_AT = 42;
/** update.mjs has made so many updates when it says "updating". */
const WARM = 4;

test('no numbered frame that both filters match is lost or doubled, and a bad update changes nothing', async () => {
	await using lab = new Lab();
	const [client, host] = [lab.host('client'), lab.host('host')];
	lab.wire(client, 'c0', host, 'eth0');
	host.exec('ethtool', '-K', 'eth0', 'gro', 'on'); // a veth takes redirected frames only so
	const run = host.program('update.mjs', 'eth0', String(COUNT), String(NUMBER_AT));
	await run.says(/updating/);
	await client.send('c0', udpFrame(64), COUNT, NUMBER_AT);
	const { code, stdout, stderr } = await run.finished;
	expect(code, stderr).toBe(0);
	const result = JSON.parse(stdout);
	expect(result).toMatchObject({ next: COUNT, wrong: 0, refused: 'bad_filter', balances: true });
	expect(result.updates).toBeGreaterThan(WARM + 2);
	expect(result.ledger.seen.frames).toBe(COUNT);
	expect(result.ledger.delivered.frames).toBe(COUNT);
});

test('what was sent under one limit does not count under the next', async () => {
	await using lab = new Lab();
	const [client, host] = [lab.host('client'), lab.host('host')];
	lab.wire(client, 'c0', host, 'eth0');
	host.exec('ethtool', '-K', 'eth0', 'gro', 'on'); // a veth takes redirected frames only so
	const run = host.program('limit.mjs', 'eth0');
	await run.says(/ready/);
	await client.send('c0', udpFrame(64), 1000);
	run.child.stdin?.write('raise\n');
	await run.says(/updated/);
	await client.send('c0', udpFrame(64), 1000);
	run.child.stdin?.end('end\n');
	const { code, stdout, stderr } = await run.finished;
	expect(code, stderr).toBe(0);
	const { seen, rate_limited, delivered, lost, in_flight } = JSON.parse(stdout);
	expect(seen.frames).toBe(2000);
	expect(delivered.frames).toBeGreaterThanOrEqual(1050);
	expect(delivered.frames).toBeLessThan(1060); // one more for each second that the first part took
	expect(rate_limited.frames + delivered.frames).toBe(2000);
	expect([lost.frames, in_flight.frames]).toEqual([0, 0]);
});
