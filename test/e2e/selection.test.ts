/** --filter, --sample and --limit on the command line. */
import { describe, expect, test } from 'vitest';
import { udpFrame } from '../harness/frames.ts';
import { type Host, Lab } from '../harness/lab.ts';

function wired(lab: Lab): { client: Host; host: Host } {
	const [client, host] = [lab.host('client'), lab.host('host')];
	lab.wire(client, 'c0', host, 'eth0');
	host.exec('ethtool', '-K', 'eth0', 'gro', 'on'); // a veth takes redirected frames only so
	return { client, host };
}

describe.each(['tcx', 'clsact', 'xdp'])('at %s', (hook) => {
	test('a capture holds what the filter matches, and tshark agrees', async () => {
		await using lab = new Lab();
		const { client, host } = wired(lab);
		const file = `${lab.directory()}/out.pcapng`;
		const filter = 'vlan 42 and udp dst port 9';
		const run = host.xspan(
			...[
				'capture',
				'eth0',
				'-w',
				file,
				'--direction',
				'rx',
				'--hook',
				hook,
				'-f',
				filter,
				'--json',
			],
		);
		await run.says(/"seen"/);
		await client.send('c0', udpFrame(100), 7);
		await client.send('c0', udpFrame(100, { tags: [{ id: 41 }] }), 20);
		await client.send('c0', udpFrame(100, { tags: [{ id: 42 }], port: 8 }), 30);
		await client.send('c0', udpFrame(100, { tags: [{ id: 42 }] }), 50);
		const { code, stdout } = await run.stop();
		const { ledger } = JSON.parse(stdout.trim().split('\n').at(-1) as string);
		expect(code).toBe(0);
		expect(ledger.seen.frames).toBe(107);
		expect(ledger.filtered.frames).toBe(57);
		expect(ledger.delivered.frames).toBe(50);
		const read = ['-r', file, '-T', 'fields', '-e', 'vlan.id', '-e', 'udp.dstport'];
		const rows = host
			.exec('tshark', ...read)
			.trim()
			.split('\n');
		expect(rows).toEqual(new Array(50).fill('42\t9'));
	});
});

test('sampling and limit of a mirror', async () => {
	await using lab = new Lab();
	const { client, host } = wired(lab);
	lab.wire(host, 'ids0', lab.host('ids'), 'mon0');
	const run = host.xspan(
		...['mirror', 'eth0', '--to', 'port:ids0', '--direction', 'rx', '--json'],
		...['--sample', 'every:10', '--limit', '1pps', '--burst', '20'],
	);
	await run.says(/"seen"/);
	await client.send('c0', udpFrame(100), 1000);
	const { stdout } = await run.stop();
	const { ledger } = JSON.parse(stdout.trim().split('\n').at(-1) as string);
	expect(ledger.seen.frames).toBe(1000);
	// Per CPU: each may have passed over up to nine before its first.
	expect(ledger.sampled_out.frames).toBeGreaterThanOrEqual(900);
	expect(ledger.sampled_out.frames).toBeLessThan(930);
	expect(ledger.delivered.frames).toBeGreaterThanOrEqual(20);
	expect(ledger.delivered.frames).toBeLessThan(40);
	const { seen, sampled_out, rate_limited, delivered, lost } = ledger;
	expect(sampled_out.frames + rate_limited.frames + delivered.frames + lost.frames).toBe(
		seen.frames,
	);
});

test.each([
	['--sample 1/0', /1\/N for a random one in N/, 2],
	['--limit 0.5pps', /at least one frame through in a second/, 2],
	['--limit 50', /50kpps/, 2],
	['--burst 5', /--limit/, 2],
	['--filter tcp\u0020and', /syntax error/, 2],
])('%s is refused', async (text, message, exitCode) => {
	await using lab = new Lab();
	const [option, ...value] = text.split(' ');
	const run = lab.host('host').xspan('capture', 'lo', '-w', '-', option as string, value.join(' '));
	const { code, stderr } = await run.finished;
	expect(stderr).toMatch(message);
	expect(stderr).not.toMatch(/^ {4}at /m);
	expect(code).toBe(exitCode);
});

test('filter explains', async () => {
	await using lab = new Lab();
	const host = lab.host('host');
	const { stdout, code } = await host.xspan('filter', 'tcp[tcpflags] & tcp-syn != 0').finished;
	expect(code).toBe(0);
	expect(stdout).toContain('(000) ldh [12]');
	expect(stdout).toMatch(/\d+ instructions of eBPF/);
	const json = JSON.parse((await host.xspan('filter', '--json', 'arp').finished).stdout);
	expect(json.program).toHaveLength(4);
	expect(json.kernel.instructions).toBeGreaterThan(4);
});
