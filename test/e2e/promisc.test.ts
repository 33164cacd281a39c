/** Who is promiscuous, because of what; and every change of it, with its process. */
import { expect, test } from 'vitest';
import type { PromiscuityAudit, PromiscuityChange } from '../../src/index.ts';
import { type Host, Lab, type Run, until } from '../harness/lab.ts';

const inode = (host: Host): number => Number(host.exec('stat', '-Lc', '%i', '/proc/self/ns/net'));

/** What promisc says about one host: other tests run at the same time. */
async function audit(host: Host) {
	const { code, stdout, stderr } = await host.xspan('promisc', '--json').finished;
	expect(code, stderr).toBe(0);
	const all: PromiscuityAudit = JSON.parse(stdout);
	const netns = inode(host);
	return {
		interfaces: all.interfaces.filter((each) => each.netns === netns),
		findings: all.findings.filter((each) => each.netns === netns),
		socketsKnown: all.socketsKnown,
	};
}

/** tcpdump in a namespace, once it listens. */
async function tcpdump(host: Host, name: string): Promise<Run> {
	const run = host.spawn('tcpdump', ['-n', '-i', name, '-w', '/dev/null']);
	await run.says(/listening on/);
	return run;
}

function bridged(lab: Lab): { host: Host; web: Host } {
	const host = lab.host('host');
	const web = lab.host('web');
	host.ip('link', 'add', 'br0', 'type', 'bridge');
	lab.wire(host, 'vethweb', web, 'eth0');
	host.ip('link', 'set', 'vethweb', 'master', 'br0');
	host.ip('link', 'set', 'br0', 'up');
	return { host, web };
}

test('an administrator, a bridge and a capture: each reason is told, and they add up', async () => {
	await using lab = new Lab();
	const { host, web } = bridged(lab);
	web.ip('link', 'set', 'eth0', 'promisc', 'on');
	const capture = await tcpdump(host, 'vethweb');
	const { interfaces, socketsKnown } = await audit(host);
	expect(socketsKnown).toBe(true);
	expect(interfaces).toMatchObject([
		{
			netns: inode(host),
			ifindex: host.ifindex('vethweb'),
			interface: 'vethweb',
			kind: 'veth',
			promiscuity: 2,
			reasons: [
				{ reason: 'port', name: 'br0', kind: 'bridge' },
				{
					reason: 'packet_socket',
					socket: expect.any(Number),
					pid: capture.child.pid,
					command: 'tcpdump',
				},
			],
		},
	]);
	expect((await audit(web)).interfaces).toMatchObject([
		{ interface: 'eth0', promiscuity: 1, reasons: [{ reason: 'administrator' }] },
	]);
});

test('a macvlan in passthru mode, and one whose parent has no filter for its address', async () => {
	await using lab = new Lab();
	const host = lab.host('host');
	lab.wire(host, 'a0', host, 'b0');
	host.ip('link', 'add', 'pass', 'link', 'a0', 'type', 'macvlan', 'mode', 'passthru');
	host.ip('link', 'set', 'pass', 'up');
	host.ip('link', 'add', 'mv', 'link', 'b0', 'type', 'macvlan', 'mode', 'bridge');
	host.ip('link', 'set', 'mv', 'up');
	const { interfaces } = await audit(host);
	const reasons = Object.fromEntries(interfaces.map((each) => [each.interface, each.reasons]));
	expect(Object.keys(reasons).sort()).toEqual(['a0', 'b0']);
	expect(reasons).toMatchObject({
		a0: [{ reason: 'lower_device', name: 'pass', kind: 'macvlan' }],
		b0: [{ reason: 'more_addresses', of: [{ name: 'mv' }] }],
	});
});

test('hairpin: a bridge made promiscuous, and the commands that repair it', async () => {
	await using lab = new Lab();
	const { host } = bridged(lab);
	host.ip('link', 'set', 'br0', 'promisc', 'on');
	const { findings } = await audit(host);
	expect(findings).toMatchObject([{ finding: 'hairpin', interface: 'br0' }]);
	const remedy = findings[0]?.remedy ?? [];
	expect(remedy).toEqual([
		'bridge link set dev vethweb hairpin on',
		'ip link set dev br0 promisc off',
	]);
	const text = await host.xspan('promisc').finished;
	expect(text.stdout).toMatch(/hairpin: bridge br0 was made promiscuous/);
	for (const line of remedy) {
		const [command = '', ...args] = line.split(' ');
		host.exec(command, ...args);
	}
	expect((await audit(host)).findings).toEqual([]);
});

/** The changes on one interface so far. */
function changesOf(run: Run, host: Host, name: string): PromiscuityChange[] {
	const netns = inode(host);
	const lines = run.stdout.split('\n').slice(1, -1);
	return lines
		.map((line): PromiscuityChange => JSON.parse(line))
		.filter((change) => change.netns === netns && change.interface === name);
}

test('--watch: changes as they happen, with the process behind them', async () => {
	await using lab = new Lab();
	const { host, web } = bridged(lab);
	const watch = host.xspan('promisc', '--watch', '--json');
	await watch.says(/"interfaces"/);
	const seen = (where: Host, name: string, count: number) =>
		until(
			() => changesOf(watch, where, name).length >= count,
			`${count} changes of ${name}`,
			15_000,
			() => watch.stdout,
		);

	const first = await tcpdump(web, 'eth0');
	await seen(web, 'eth0', 1);
	await first.stop();
	await seen(web, 'eth0', 2);
	web.ip('link', 'set', 'eth0', 'promisc', 'on');
	await seen(web, 'eth0', 3);
	const by = { pid: first.child.pid, command: 'tcpdump' };
	expect(changesOf(watch, web, 'eth0')).toMatchObject([
		{ before: 0, after: 1, by: [{ ...by, did: 'open' }], namespace: { names: [web.namespace] } },
		{ before: 1, after: 0, by: [{ ...by, did: 'close' }], reasons: [] },
		{ before: 0, after: 1, by: [], reasons: [{ reason: 'administrator' }] },
	]);
	const [began, ended] = changesOf(watch, web, 'eth0');
	expect(ended?.since).toBe(began?.time);

	// The bridge port is promiscuous already: the capture is one more.
	const second = await tcpdump(host, 'vethweb');
	await seen(host, 'vethweb', 1);
	expect(changesOf(watch, host, 'vethweb')[0]).toMatchObject({
		before: 1,
		after: 2,
		since: null,
		by: [{ pid: second.child.pid, command: 'tcpdump', did: 'open' }],
	});
	const { code } = await watch.stop();
	expect(code).toBe(0);
});

test('--watch: a namespace that comes later is watched, and not kept alive', async () => {
	await using lab = new Lab();
	const { host } = bridged(lab);
	const watch = host.xspan('promisc', '--watch', '--json');
	await watch.says(/"interfaces"/);
	const late = lab.host('late');
	// The other end is seen to vanish when the namespace does.
	lab.wire(host, 'far', late, 'near');
	late.ip('link', 'set', 'near', 'promisc', 'on');
	await until(() => changesOf(watch, late, 'near').length === 1, 'the new namespace');
	lab.remove(late);
	await until(() => !host.ip('-brief', 'link').includes('far'), 'the end of the namespace');
	await until(() => /"gone":true/.test(watch.stdout), 'the end of the interface');
	await watch.stop();
});
