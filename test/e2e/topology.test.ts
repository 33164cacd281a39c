/** What the host is made of, as the kernel has it, in all namespaces: seen by topology and where. */
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Device, Namespace, Place } from '../../src/index.ts';
import { type Host, Lab, until } from '../harness/lab.ts';

interface TopologyJson {
	own: number;
	namespaces: Namespace[];
	devices: Device[];
}

async function output(host: Host, ...args: string[]): Promise<string> {
	const { code, stdout, stderr } = await host.xspan(...args).finished;
	expect(code, stderr).toBe(0);
	return stdout;
}

const json = async <T>(host: Host, ...args: string[]): Promise<T> =>
	JSON.parse(await output(host, ...args, '--json'));

/** A host with a bridge, a container on it, and a macvlan in another container. */
function build(lab: Lab): { host: Host; web: Host; db: Host } {
	const all = { host: lab.host('host'), web: lab.host('web'), db: lab.host('db') };
	const { host, web, db } = all;
	host.ip('link', 'add', 'br0', 'type', 'bridge');
	host.ip('address', 'add', '10.88.1.1/24', 'dev', 'br0');
	lab.wire(host, 'vethweb', web, 'eth0');
	host.ip('link', 'set', 'vethweb', 'master', 'br0');
	host.ip('link', 'set', 'br0', 'up');
	web.ip('address', 'add', '10.88.1.2/24', 'dev', 'eth0');
	web.ip('address', 'add', '2001:db8::2/64', 'dev', 'lo', 'nodad');
	lab.wire(host, 'up0', host, 'up1');
	host.ip('link', 'add', 'mv0', 'link', 'up0', 'type', 'macvlan', 'mode', 'bridge');
	host.ip('link', 'set', 'mv0', 'netns', db.namespace, 'name', 'eth0');
	db.ip('link', 'set', 'eth0', 'up');
	db.ip('address', 'add', '192.0.2.5/24', 'dev', 'eth0');
	host.ip('link', 'add', 'mv1', 'link', 'up0', 'type', 'macvlan', 'mode', 'bridge');
	return all;
}

/** Where control groups can be made; with version 1, those without a controller. */
const cgroupRoot = (): string =>
	['/sys/fs/cgroup', '/sys/fs/cgroup/unified', '/sys/fs/cgroup/systemd'].find((path) =>
		existsSync(`${path}/cgroup.procs`),
	) ?? '/sys/fs/cgroup/pids';

const inode = (host: Host): number => Number(host.exec('stat', '-Lc', '%i', '/proc/self/ns/net'));

test('devices of three namespaces, with masters, parents, peers and what their kind says', async () => {
	await using lab = new Lab();
	const { host, web, db } = build(lab);
	host.ip('link', 'add', 'vx', 'type', 'vxlan', 'id', '42', 'dev', 'up1', 'dstport', '4789');
	host.ip('tuntap', 'add', 'tap0', 'mode', 'tap');
	host.ip('tuntap', 'add', 'tun0', 'mode', 'tun');
	host.exec('bridge', 'link', 'set', 'dev', 'vethweb', 'hairpin', 'on', 'isolated', 'on');
	host.exec('bridge', 'link', 'set', 'dev', 'vethweb', 'learning', 'off');
	const topology = await json<TopologyJson>(host, 'topology');
	expect(topology.own).toBe(inode(host));
	const find = (where: Host, name: string) =>
		topology.devices.find((each) => each.netns === inode(where) && each.name === name) as Device;
	const ref = (where: Host, name: string) => ({
		netns: inode(where),
		ifindex: where.ifindex(name),
	});

	expect(find(host, 'br0')).toMatchObject({
		kind: 'bridge',
		addresses: expect.arrayContaining([{ address: '10.88.1.1', prefix: 24 }]),
		ports: [ref(host, 'vethweb')],
	});
	expect(find(host, 'vethweb')).toMatchObject({
		kind: 'veth',
		master: ref(host, 'br0'),
		peer: ref(web, 'eth0'),
		parent: null,
		promiscuity: 1,
		bridgePort: { hairpin: true, isolated: true, learning: false },
	});
	expect(find(web, 'eth0')).toMatchObject({ peer: ref(host, 'vethweb'), master: null });
	expect(find(web, 'lo').addresses).toContainEqual({ address: '2001:db8::2', prefix: 64 });
	expect(find(db, 'eth0')).toMatchObject({
		kind: 'macvlan',
		macvlan: { mode: 4 },
		parent: ref(host, 'up0'),
		peer: null,
	});
	expect(find(host, 'up0').children).toEqual(
		expect.arrayContaining([ref(host, 'mv1'), ref(db, 'eth0')]),
	);
	expect(find(host, 'vx')).toMatchObject({
		kind: 'vxlan',
		vxlan: { id: 42 },
		parent: ref(host, 'up1'),
	});
	expect(find(host, 'tap0')).toMatchObject({ kind: 'tap', parent: null });
	expect(find(host, 'tun0')).toMatchObject({ kind: 'tun', parent: null });
	const names = topology.namespaces.flatMap((each) => each.names);
	expect(names).toEqual(expect.arrayContaining([web.namespace, db.namespace]));
});

test('statistics, MTU, flags and state are those that ip shows', async () => {
	await using lab = new Lab();
	const { host } = build(lab);
	const [shown] = JSON.parse(host.ip('-json', '-s', 'link', 'show', 'dev', 'up0'));
	const { devices, own } = await json<TopologyJson>(host, 'topology');
	const up0 = devices.find((each) => each.netns === own && each.name === 'up0') as Device;
	expect(up0).toMatchObject({
		mtu: shown.mtu,
		address: shown.address,
		ifindex: shown.ifindex,
		operState: 6,
		allmulti: 0,
	});
	expect(up0.statistics.rxFrames).toBeGreaterThanOrEqual(shown.stats64.rx.packets);
});

test('programs of xspan and of others are named, in other namespaces too', async () => {
	await using lab = new Lab();
	const { host, web } = build(lab);
	await web.program('bystander.mjs', 'xdp', 'eth0').says(/attached/);
	const capture = web.xspan('capture', 'eth0', '-w', '/dev/null', '--force', '--json');
	await capture.says(/"seen"/);
	const { devices } = await json<TopologyJson>(host, 'topology');
	const eth0 = devices.find((each) => each.netns === inode(web) && each.name === 'eth0');
	expect(eth0?.programs).toEqual(
		expect.arrayContaining([
			expect.objectContaining({ hook: 'xdp', direction: 'rx', name: 'pass_xdp' }),
			expect.objectContaining({ hook: 'tcx', direction: 'rx' }),
			expect.objectContaining({ hook: 'tcx', direction: 'tx' }),
		]),
	);
	await capture.stop();
});

test('a namespace that only a process holds is found by it', async () => {
	await using lab = new Lab();
	const host = lab.host('host');
	const shell = host.spawn('unshare', ['--net', 'sh', '-c', 'ip link set lo up; exec sleep 60']);
	await until(
		() => readFileSync(`/proc/${shell.child.pid}/comm`, 'utf8').trim() === 'sleep',
		'the process in its namespace',
	);
	const [place] = await json<Place[]>(host, 'where', `pid:${shell.child.pid}/lo`);
	expect(place).toMatchObject({
		namespace: { names: [], pids: [shell.child.pid], command: 'sleep' },
		device: { name: 'lo', kind: 'loopback' },
	});
});

test('a process that holds a TAP, as a virtual machine does: the TAP', async () => {
	await using lab = new Lab();
	const { host } = build(lab);
	const hold = `
import fcntl, struct, time
tun = open('/dev/net/tun', 'r+b', buffering=0)
fcntl.ioctl(tun, 0x400454ca, struct.pack('16sH', b'vm0', 0x1002)) # TUNSETIFF: IFF_TAP | IFF_NO_PI
print('holding', flush=True)
time.sleep(60)`;
	const guest = host.spawn('python3', ['-c', hold]);
	await guest.says(/holding/);
	const places = await json<Place[]>(host, 'where', `pid:${guest.child.pid}`);
	expect(places.map((place) => place.device)).toMatchObject([{ name: 'vm0', kind: 'tap' }]);
});

test('a container is found by the id in its control group', async () => {
	await using lab = new Lab();
	const { host, web } = build(lab);
	const id = randomBytes(32).toString('hex');
	const group = `${cgroupRoot()}/docker-${id}.scope`;
	mkdirSync(group);
	const main = web.spawn('sleep', ['60']);
	try {
		writeFileSync(`${group}/cgroup.procs`, String(main.child.pid));
		const [place, ...more] = await json<Place[]>(host, 'where', `container:${id.slice(0, 12)}`);
		expect(more).toEqual([]);
		expect(place).toMatchObject({
			device: { name: 'eth0', netns: inode(web) },
			containers: [{ id, pid: main.child.pid }],
			hostEnd: { name: 'vethweb' },
		});
		const { code, stderr } = await host.xspan('where', 'container:no-such-name').finished;
		expect(code).toBe(3);
		expect(stderr).toContain(id.slice(0, 12));
	} finally {
		await main.stop('SIGKILL');
		await until(() => readFileSync(`${group}/cgroup.procs`, 'utf8') === '', 'an empty group');
		rmdirSync(group);
	}
});

test('the tree, the graph and the picture show everything', async () => {
	await using lab = new Lab();
	const { host, web } = build(lab);
	const tree = await output(host, 'topology');
	expect(tree).toMatch(/├─ br0 .*bridge.*10\.88\.1\.1\/24/);
	expect(tree).toMatch(new RegExp(`│ {2}└─ vethweb .*veth {2}<-> eth0 in netns ${web.namespace}`));
	expect(tree).toMatch(/promiscuous \(1\)/);
	const file = join(lab.directory(), 'host.svg');
	expect(await output(host, 'topology', '--svg', file)).toBe('');
	const python =
		'import sys, xml.dom.minidom as d; print(d.parse(sys.argv[1]).documentElement.tagName)';
	expect(host.exec('python3', '-c', python, file).trim()).toBe('svg');
	expect(readFileSync(file, 'utf8')).toContain('>vethweb<');
	const dot = await output(host, 'topology', '--dot');
	expect(dot).toMatch(/^digraph xspan \{/);
	const edge = `"${inode(host)}/${host.ifindex('vethweb')}" -> "${inode(host)}/${host.ifindex('br0')}"`;
	expect(dot).toContain(edge);
});

test('where: from an address to the place to tap', async () => {
	await using lab = new Lab();
	const { host, web, db } = build(lab);
	const [place, ...more] = await json<Place[]>(host, 'where', '10.88.1.2');
	expect(more).toEqual([]);
	expect(place).toMatchObject({
		namespace: { names: [web.namespace] },
		device: { name: 'eth0' },
		hostEnd: { name: 'vethweb' },
		bridge: { name: 'br0' },
	});
	const text = await output(host, 'where', '192.0.2.5');
	expect(text).toMatch(new RegExp(`netns:${db.namespace}/eth0`));
	expect(text).toMatch(/what macvlans of up0 send to each other \(mv1\) is seen here as received/);
	const [mac] = JSON.parse(web.ip('-json', 'link', 'show', 'dev', 'eth0'));
	const byMac = await json<Place[]>(host, 'where', mac.address);
	expect(byMac.map((each) => each.device.ifindex)).toEqual([place?.device.ifindex]);
	expect(byMac[0]?.advice).toEqual(place?.advice);
});

test.each([
	['10.88.1.99', /belongs to the network of br0/],
	['vethwbe', /did you mean vethweb/],
	['pid:999999999', /no process 999999999/],
	['netns:no-such-name', /no network namespace named "no-such-name"/],
])('where %s: exit code 3', async (what, says) => {
	await using lab = new Lab();
	const { host } = build(lab);
	const { code, stdout, stderr } = await host.xspan('where', what).finished;
	expect({ code, stdout }).toEqual({ code: 3, stdout: '' });
	expect(stderr).toMatch(says);
});

test('without privileges: the own namespace is shown, others are said to be closed', async () => {
	await using lab = new Lab();
	const { host, web } = build(lab);
	const main = 'dist/cli/main.js';
	const run = host.spawn('setpriv', [
		...['--bounding-set=-all', '--inh-caps=-all', process.execPath, main, 'topology', '--json'],
	]);
	const { code, stdout, stderr } = await run.finished;
	expect(code, stderr).toBe(0);
	const topology: TopologyJson = JSON.parse(stdout);
	const own = topology.devices.filter((each) => each.netns === topology.own);
	expect(own.map((each) => each.name)).toContain('br0');
	const other = topology.namespaces.find((each) => each.names.includes(web.namespace));
	expect(other?.unreadable).toBe('EPERM');
});
