/**
 * Kinds of devices that a small kernel lacks: VLAN, bond, team, ipvlan, dummy, GRE, a bridge that
 * filters by VLAN. Run where all of them are (XSPAN_ALL_DEVICES=1), by scripts/test-kernels.sh.
 */
import { release } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { isAtLeast } from '../../src/doctor/doctor.ts';
import type { Device, Place, PromiscuityAudit } from '../../src/index.ts';
import { macvlan, quietHost, Xspan } from '../harness/containers.ts';
import { udpFrame } from '../harness/frames.ts';
import { type Host, Lab } from '../harness/lab.ts';
import { observe } from '../harness/observed.ts';
import { type End, RAW_KINDS } from '../harness/raw-kinds.ts';
import { Listener, tshark } from '../harness/readers.ts';
import { addressed } from '../harness/remote.ts';

/** Each way through a tunnel. */
const RAW_BYTES = 300_000;

/** docs/ledger.md: why super-frames that sit received may be refused. */
const EINVAL = 22;

const inode = (host: Host): number => Number(host.exec('stat', '-Lc', '%i', '/proc/self/ns/net'));

async function json<T>(host: Host, ...args: string[]): Promise<T> {
	const { code, stdout, stderr } = await host.xspan(...args, '--json').finished;
	expect(code, stderr).toBe(0);
	return JSON.parse(stdout);
}

/** ip commands, one a line. */
function run(host: Host, commands: string): void {
	const lines = commands.split('\n').map((line) => line.trim());
	for (const line of lines.filter(Boolean)) host.ip(...line.split(' '));
}

async function devicesOf(host: Host): Promise<Map<string, Device>> {
	const { devices } = await json<{ devices: Device[] }>(host, 'topology');
	const netns = inode(host);
	const own = devices.filter((device) => device.netns === netns);
	return new Map(own.map((device) => [device.name, device]));
}

async function auditOf(host: Host): Promise<PromiscuityAudit> {
	const audit = await json<PromiscuityAudit>(host, 'promisc');
	const netns = inode(host);
	const isHere = (each: { netns: number }) => each.netns === netns;
	return {
		...audit,
		interfaces: audit.interfaces.filter(isHere),
		findings: audit.findings.filter(isHere),
	};
}

/** One of them is in another namespace, where only tcx can be tapped. */
const MACVLAN_MODES = isAtLeast(release(), 6, 6)
	? [
			{ mode: 'private', arrive: 0, parent: 0 },
			{ mode: 'vepa', arrive: 0, parent: 0 },
			{ mode: 'bridge', arrive: 20, parent: 20 },
		]
	: [];

describe('on a kernel with all kinds', () => {
	test('what each kind says about itself, its master and its parent', async () => {
		await using lab = new Lab();
		const host = lab.host('host');
		run(
			host,
			`link add d0 type dummy
			link add d1 type dummy
			link add d2 type dummy
			link add d3 type dummy
			link add link d0 name d0.7 type vlan id 7
			link add link d0 name d0.8 type vlan id 8 protocol 802.1ad
			link add bond0 type bond mode active-backup
			link set d1 master bond0
			link add team0 type team
			link set d2 master team0
			link add iv0 link d3 type ipvlan mode l2
			link add iv1 link d3 type ipvlan mode l2
			link add gre1 type gretap local 192.0.2.1 remote 192.0.2.2 dev d0
			link add gre2 type gre local 192.0.2.1 remote 192.0.2.3`,
		);
		const devices = await devicesOf(host);
		const ref = (name: string) => ({ netns: inode(host), ifindex: host.ifindex(name) });
		expect(devices.get('d0')).toMatchObject({ kind: 'dummy', parent: null, hidden: false });
		expect(devices.get('d0.7')).toMatchObject({
			kind: 'vlan',
			vlan: { id: 7, protocol: 0x8100 },
			parent: ref('d0'),
		});
		expect(devices.get('d0.8')).toMatchObject({ vlan: { id: 8, protocol: 0x88a8 } });
		expect(devices.get('bond0')).toMatchObject({
			kind: 'bond',
			bond: { mode: 1 },
			ports: [ref('d1')],
		});
		expect(devices.get('d1')).toMatchObject({ master: ref('bond0'), slaveKind: 'bond' });
		expect(devices.get('team0')).toMatchObject({ kind: 'team', ports: [ref('d2')] });
		expect(devices.get('iv0')).toMatchObject({
			kind: 'ipvlan',
			ipvlan: { mode: 0 },
			parent: ref('d3'),
		});
		expect(devices.get('gre1')).toMatchObject({ kind: 'gretap', parent: ref('d0') });
		expect(devices.get('gre2')).toMatchObject({ kind: 'gre', parent: null, hidden: false });

		const [place] = await json<Place[]>(host, 'where', 'd3');
		expect(place?.advice.map((each) => each.source)).toContain('iv0 iv1');
	});

	test('promiscuity passes down: VLAN, bond, team', async () => {
		await using lab = new Lab();
		const host = lab.host('host');
		run(
			host,
			`link add d0 type dummy
			link add d1 type dummy
			link add d2 type dummy
			link set d0 up
			link add link d0 name d0.7 type vlan id 7
			link set d0.7 up
			link set d0.7 promisc on
			link add bond0 type bond mode balance-xor
			link set d1 master bond0
			link set bond0 up
			link set bond0 promisc on
			link add team0 type team
			link set d2 master team0
			link set team0 up
			link set team0 promisc on`,
		);
		const { interfaces, findings } = await auditOf(host);
		const reasons = Object.fromEntries(interfaces.map((each) => [each.interface, each.reasons]));
		expect(Object.keys(reasons).sort()).toEqual(['bond0', 'd0', 'd0.7', 'd1', 'd2', 'team0']);
		expect(reasons).toMatchObject({
			'd0.7': [{ reason: 'administrator' }],
			d0: [{ reason: 'lower_device', name: 'd0.7', kind: 'vlan' }],
			bond0: [{ reason: 'administrator' }],
			d1: [{ reason: 'port', name: 'bond0', kind: 'bond' }],
			team0: [{ reason: 'administrator' }],
			d2: [{ reason: 'port', name: 'team0', kind: 'team' }],
		});
		expect(findings).toEqual([]);
	});

	test('inconsistent: a bridge that learns on one port only leaves that one to its filter', async () => {
		await using lab = new Lab();
		const host = lab.host('host');
		// A macvlan stands in for a NIC: like one it receives for its own addresses only.
		lab.wire(host, 'wire0', host, 'wire1');
		lab.wire(host, 'port0', host, 'port1');
		run(
			host,
			`link add nic0 link wire0 type macvlan mode private
			link set nic0 up
			link add br0 type bridge vlan_filtering 1
			link set br0 up
			link set nic0 master br0
			link set port0 master br0`,
		);
		host.exec('bridge', 'link', 'set', 'dev', 'port0', 'learning', 'off', 'flood', 'off');
		const { interfaces, findings } = await auditOf(host);
		expect(interfaces.map((each) => each.interface)).toContain('port0');
		expect(interfaces.map((each) => each.interface)).not.toContain('nic0');
		expect(findings).toMatchObject([{ finding: 'inconsistent', interface: 'nic0' }]);
		const [command = '', ...args] = findings[0]?.remedy[0]?.split(' ') ?? [];
		host.exec(command, ...args);
		expect((await auditOf(host)).findings).toEqual([]);
	});

	/** Stacked devices as sources: name is sent through and received at, below is what carries it. */
	test.each([
		{
			what: 'VXLAN',
			name: 'd0',
			below: 'p0',
			add: `address add 198.51.100.1/24 dev p0
				neigh add 198.51.100.2 lladdr 02:00:00:00:00:99 dev p0
				link add d0 type vxlan id 7 local 198.51.100.1 remote 198.51.100.2 dev p0 dstport 4789`,
		},
		{ what: 'macvlan', name: 'd0', below: 'p0', add: 'link add d0 link p0 type macvlan mode vepa' },
		{
			what: 'passthru macvlan',
			name: 'd0',
			below: 'p0',
			add: 'link add d0 link p0 type macvlan mode passthru',
		},
	])('a source of kind $what: what it sends passes it, and what is below', async (row) => {
		await using lab = new Lab();
		const [host, far, ids] = [quietHost(lab, 'host'), quietHost(lab, 'far'), quietHost(lab, 'ids')];
		lab.wire(host, 'p0', far, 'f0');
		lab.wire(host, 'm0', ids, 'i0');
		run(host, row.add);
		run(host, `link set ${row.name} up`);
		const sources = row.below ? [row.name, row.below] : [row.name];
		const filter = ['--filter', 'udp', '--direction', 'tx'];
		const xspan = new Xspan(host, lab);
		const session = await xspan.observe('mirror', ...sources, '--to', 'port:m0', ...filter);
		await host.sendSelf(row.name, udpFrame(100), 20);
		const passes = (source: string) =>
			session.waits(
				(line) => line.taps.some((tap) => tap.source === source && tap.ledger.seen.frames >= 20),
				`20 frames at ${source}`,
			);
		for (const source of sources) await passes(source);
		const { line } = await session.stop();
		expect(line.taps.find((tap) => tap.source === row.name)?.ledger.seen.frames).toBe(20);
		expect(xspan.noted()).toEqual([]);
	});

	test.each(MACVLAN_MODES)(
		'macvlans in mode $mode: what one sends to another',
		async ({ mode, arrive, parent }) => {
			await using lab = new Lab();
			const [host, far, ids] = [
				quietHost(lab, 'host'),
				quietHost(lab, 'far'),
				quietHost(lab, 'ids'),
			];
			const [blue, red] = [quietHost(lab, 'blue'), quietHost(lab, 'red')];
			lab.wire(host, 'p0', far, 'f0');
			lab.wire(host, 'm0', ids, 'i0');
			macvlan(host, 'p0', blue, '02:00:00:00:00:b1', mode);
			macvlan(host, 'p0', red, '02:00:00:00:00:e1', mode);
			const sources = ['p0', `netns:${red.namespace}/eth0`];
			const args = ['--to', 'port:m0', '--direction', 'rx', '--hook', 'tcx'];
			const session = await new Xspan(host, lab).observe('mirror', ...sources, ...args);
			const frame = udpFrame(100, {
				source: '02:00:00:00:00:b1',
				destination: '02:00:00:00:00:e1',
			});
			await blue.sendSelf('eth0', frame, 20);
			await session.sees(parent + arrive);
			const { line } = await session.stop();
			expect(line.taps.map((tap) => tap.ledger.seen.frames)).toEqual([parent, arrive]);
		},
	);

	test.each(RAW_KINDS)(
		'without Ethernet: $what, IPv$family, mirrored with headers',
		async (kind) => {
			await using lab = new Lab();
			const [host, far, ids] = [
				quietHost(lab, 'host'),
				quietHost(lab, 'far'),
				quietHost(lab, 'ids'),
			];
			lab.wire(host, 'p0', far, 'f0');
			lab.wire(host, 'm0', ids, 'i0');
			const ends = [host, far].map((each, i) => ({
				host: each,
				address: `198.51.100.${i + 1}`,
				inside: { 4: `10.77.0.${i + 1}`, 6: `fd77::${i + 1}` },
			}));
			const [near, other] = ends as [End, End];
			near.host.ip('address', 'add', `${near.address}/24`, 'dev', 'p0');
			other.host.ip('address', 'add', `${other.address}/24`, 'dev', 'f0');
			kind.make(near, other);
			for (const end of ends) addressed(end.host, 't0', end.inside[4], end.inside[6]);
			for (const end of ends) end.host.ip('link', 'set', 't0', 'up');
			const ear = await Listener.start(ids, 'i0', join(lab.directory(), 'i0.pcap'));
			const filter = ['--filter', 'tcp port 5001'];
			const session = await observe(host, 'mirror', 't0', '--to', 'port:m0', ...filter);
			const server = host.program('transfer.mjs', 'serve', '5001');
			await server.says(/listening/, 60_000);
			const to = near.inside[kind.family];
			const sender = far.program('transfer.mjs', 'send', to, '5001', String(RAW_BYTES));
			expect((await sender.finished).code).toBe(0);
			await server.finished;
			const { line } = await session.stop();
			const { lost_by, clone_errno, delivered } = line.ledger;
			const refused = kind.what === 'sit' && clone_errno === EINVAL;
			expect(Object.keys(lost_by)).toEqual(refused ? ['clone_failed'] : []);
			const { frames, bytes } = delivered;
			expect(await ear.hears(frames)).toBe(frames);
			const fields = ['frame.len', 'eth.src', 'tcp.dstport', 'tcp.len', 'tcp.checksum.status'];
			const rows = tshark(ear.file, fields, '-o', 'tcp.check_checksum:TRUE');
			const sum = (column: number) => rows.reduce((total, row) => total + Number(row[column]), 0);
			expect(sum(0)).toBe(bytes);
			expect(sum(3)).toBeGreaterThanOrEqual(refused ? RAW_BYTES : 2 * RAW_BYTES);
			for (const [, source, port, , checksum] of rows)
				expect([source, checksum]).toEqual([`02:58:53:00:00:0${port === '5001' ? 1 : 2}`, '1']);
		},
	);

	test('GRE without a remote end shows its outer header: a mirror refuses it, a capture has it', async () => {
		await using lab = new Lab();
		const host = quietHost(lab, 'host');
		const ids = quietHost(lab, 'ids');
		lab.wire(host, 'm0', ids, 'i0');
		run(
			host,
			`address add 198.51.100.1/24 dev m0
			neigh add 198.51.100.2 lladdr 02:00:00:00:00:99 dev m0
			link add t0 type gre local 198.51.100.1 key 1
			link add t1 type gre local 198.51.100.1 remote 198.51.100.2
			link set t0 up
			address add 10.77.0.1/24 dev t0
			neigh add 10.77.0.2 lladdr 198.51.100.2 dev t0 nud permanent`,
		);
		const refused = await host.xspan('mirror', 't0', 't1', '--to', 'port:m0').finished;
		expect(refused.code).toBe(5);
		expect(refused.stderr).toMatch(/^xspan: t0 is GRE without a fixed remote end/);
		const file = join(lab.directory(), 't0.pcapng');
		const session = await observe(host, 'capture', 't0', '-w', file, '--filter', 'proto gre');
		await host.spawn('ping', ['-c', '1', '-W', '1', '10.77.0.2']).finished;
		await session.sees(1);
		await session.stop();
		expect(tshark(file, ['ip.dst'])[0]).toEqual(['198.51.100.2,10.77.0.2']);
	});
});
