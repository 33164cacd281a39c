/** The sFlow Tunnel Structures, on a host that is an end of tunnels of the kernel, and forwards. */
import { beforeAll, expect, test } from 'vitest';
import { Sfacctd } from '../harness/collectors.ts';
import { type DeviceKind, deviceKinds } from '../harness/devices.ts';
import { type Host, Lab } from '../harness/lab.ts';
import { AgentProcess, type DecodedFlow, flowSample } from '../harness/sflow.ts';
import { SflowCommand } from '../harness/sflow-command.ts';

const UNDERLAY = { ipv4: ['10.8.1.1', '10.8.1.2'], ipv6: ['fd00:1::1', 'fd00:1::2'] } as const;
const VXLAN = ['dstport', '4789'];
const UDP = 17;

interface Tunnel {
	name: string;
	/** What `ip link add` takes behind "type", addresses apart. */
	type: [DeviceKind, ...string[]];
	underlay: 'ipv4' | 'ipv6';
	/** Whether it takes a local address. */
	local: boolean;
	vni?: number;
	/** Of extended_ipv4_tunnel_egress. */
	protocol?: number;
	/** Carries nothing else. */
	only?: 'ipv4' | 'ipv6';
}

const IPV4 = { underlay: 'ipv4', local: true } as const;
const IPV6 = { underlay: 'ipv6', local: true } as const;

const ALL: Tunnel[] = [
	{ name: 'vx4', type: ['vxlan', 'id', '100', ...VXLAN], ...IPV4, vni: 100 },
	{ name: 'vx6', type: ['vxlan', 'id', '200', ...VXLAN], ...IPV6, vni: 200 },
	{ name: 'gnv4', type: ['geneve', 'id', '300'], ...IPV4, local: false, vni: 300 },
	{ name: 'gnv6', type: ['geneve', 'id', '16777215'], ...IPV6, local: false, vni: 16_777_215 },
	{ name: 'tap4', type: ['gretap', 'key', '4000000000'], ...IPV4, protocol: 47 },
	{ name: 'tap6', type: ['ip6gretap', 'csum'], ...IPV6 },
	{ name: 'gre4', type: ['gre', 'csum', 'tos', 'inherit'], ...IPV4, protocol: 47 },
	{ name: 'gre6', type: ['ip6gre', 'key', '5'], ...IPV6 },
	{ name: 'ipip4', type: ['ipip', 'tos', '0x48'], ...IPV4, protocol: 4, only: 'ipv4' },
	{ name: 'sit4', type: ['sit'], ...IPV4, protocol: 41, only: 'ipv6' },
	{ name: 'ip6', type: ['ip6tnl', 'mode', 'any'], ...IPV6 },
];

const probe = new Lab();
const kinds = deviceKinds(probe);
await probe[Symbol.asyncDispose]();
const TUNNELS = ALL.filter(({ type: [kind] }) => kinds.has(kind));

function address(host: Host, name: string, n: number, m: number): void {
	host.exec('sh', '-c', `echo 0 > /proc/sys/net/ipv6/conf/${name}/disable_ipv6`);
	host.ip('address', 'add', `10.8.${n}.${m}/24`, 'dev', name);
	host.ip('address', 'add', `fd00:${n}::${m}/64`, 'dev', name, 'nodad');
}

/** Inner networks are those from 20 on. */
function addTunnel(host: Host, m: 1 | 2, { name, type, underlay, local }: Tunnel, n: number): void {
	const [own, peer] = m === 1 ? UNDERLAY[underlay] : UNDERLAY[underlay].toReversed();
	const addresses = ['remote', peer as string, ...(local ? ['local', own as string] : [])];
	host.ip('link', 'add', name, 'type', ...type, ...addresses);
	host.ip('link', 'set', name, 'up');
	address(host, name, n, m);
}

/** DSCP 10, ECN: not capable, capable, congestion experienced. */
const CLASSES = [0x28, 0x29, 0x2b];

function ping(host: Host, tunnel: Tunnel, n: number, m: number): void {
	const targets = { ipv4: `10.8.${n}.${m}`, ipv6: `fd00:${n}::${m}` };
	for (const to of tunnel.only ? [targets[tunnel.only]] : Object.values(targets))
		for (const tos of CLASSES)
			host.exec('sh', '-c', `ping -c 1 -W 1 -Q ${tos} -s 32 ${to} || true`);
}

interface Seen {
	/** "device direction" */
	where: string;
	header: Buffer;
	/** extended_* of tunnels only, without that prefix. */
	tunnel: Record<string, Record<string, unknown>>;
}

function seenOf(flow: DecodedFlow, names: Map<number, string>): Seen {
	const { index } = flow.source;
	const records = Object.entries(flow.records)
		.filter(([name]) => /tunnel|decapsulate|vni/.test(name))
		.map(([name, fields]) => [name.replace('extended_', ''), fields]);
	return {
		where: `${names.get(index)} ${flow.input.value === index ? 'rx' : 'tx'}`,
		header: Buffer.from(flow.records['sampled_header']?.['header'] as string, 'hex'),
		tunnel: Object.fromEntries(records),
	};
}

let seen: Seen[];

/** far == end -- near: tunnels from far to end, and one from far to near, which end only routes. */
beforeAll(async () => {
	await using lab = new Lab();
	const [far, end, near] = [lab.host('far'), lab.host('end'), lab.host('near')];
	lab.wire(far, 'up0', end, 'up0', 2000);
	lab.wire(end, 'down0', near, 'up0', 2000);
	for (const [host, name, n, m] of [
		[far, 'up0', 1, 1],
		[end, 'up0', 1, 2],
		[end, 'down0', 2, 1],
		[near, 'up0', 2, 2],
	] as const)
		address(host, name, n, m);
	end.exec('sh', '-c', 'echo 1 > /proc/sys/net/ipv4/ip_forward');
	end.exec('sh', '-c', 'echo 1 > /proc/sys/net/ipv6/conf/all/forwarding');
	for (const [host, via] of [
		[far, '1::2'],
		[near, '2::1'],
	] as const) {
		host.ip('route', 'add', 'default', 'via', `10.8.${via.replace('::', '.')}`);
		host.ip('route', 'add', 'default', 'via', `fd00:${via}`);
	}
	for (const [i, tunnel] of TUNNELS.entries()) {
		addTunnel(far, 1, tunnel, 20 + i);
		addTunnel(end, 2, tunnel, 20 + i);
	}
	// Networks that end does not know, and what it only routes.
	const vxlan = (
		host: Host,
		name: string,
		id: number,
		remote: string,
		...inner: [number, number]
	) => {
		host.ip('link', 'add', name, 'type', 'vxlan', 'id', `${id}`, ...VXLAN, 'remote', remote);
		host.ip('link', 'set', name, 'up');
		address(host, name, ...inner);
	};
	vxlan(far, 'stray', 999, '10.8.1.2', 90, 1);
	vxlan(near, 'transit', 998, '10.8.1.1', 91, 2);
	vxlan(far, 'transit', 998, '10.8.2.2', 91, 1);
	end.ip('link', 'add', 'transit', 'type', 'vxlan', 'id', '998', ...VXLAN, 'remote', '10.8.1.1');
	end.exec('sh', '-c', 'echo 1 > /proc/sys/net/ipv6/conf/transit/disable_ipv6');
	end.ip('link', 'set', 'transit', 'up');
	// Told with each packet what to do.
	for (const [host, m, peer] of [
		[far, 1, '10.8.1.2'],
		[end, 2, '10.8.1.1'],
	] as const) {
		host.ip('link', 'add', 'any', 'type', 'vxlan', 'external', 'dstport', '8472');
		host.ip('link', 'set', 'any', 'address', `02:00:00:00:99:0${m}`, 'up');
		address(host, 'any', 92, m);
		const to = `10.8.92.${3 - m}`;
		host.ip('route', 'add', to, 'encap', 'ip', 'id', '4242', 'dst', peer, 'dev', 'any');
		host.ip('neigh', 'add', to, 'lladdr', `02:00:00:00:99:0${3 - m}`, 'dev', 'any');
	}
	const devices = ['up0', 'any', ...TUNNELS.map(({ name }) => name)];
	const names = new Map(devices.map((name) => [end.ifindex(name), name]));
	const options = ['--sampling', '1/1', '--polling', '0', '--header', '256', '--tunnels'];
	const sflow = await SflowCommand.start(lab, end, ...devices, ...options);
	for (const [i, tunnel] of TUNNELS.entries()) {
		ping(far, tunnel, 20 + i, 2);
		ping(near, tunnel, 20 + i, 1);
	}
	for (const to of ['10.8.90.2', '10.8.91.2', '10.8.92.2'])
		far.exec('sh', '-c', `ping -c 2 -i 0.05 -W 1 ${to} || true`);
	const { flows } = await sflow.end();
	seen = flows.map((flow) => seenOf(flow, names));
}, 300_000);

const at = (where: string): Seen[] => seen.filter((each) => each.where === where);

/** What ping puts behind its time stamp. IPv6 has frames of its own, also before all taps are there. */
const ECHO = Buffer.from('101112131415161718191a1b1c1d1e1f', 'hex');

const echoes = (where: string): Buffer[] =>
	at(where)
		.map(({ header }) => header)
		.filter((header) => header.includes(ECHO));

/** The frames inside, in hexadecimal; how many there are of each. */
const texts = (frames: Buffer[]): string[] => frames.map((each) => each.toString('hex')).sort();

/** What was on the wire with an inner frame that the device has seen, too. */
function outerOf(direction: string, { name }: Tunnel, record: string): Seen[] {
	const inner = new Set(texts(echoes(`${name} ${direction}`)));
	return at(`up0 ${direction}`).filter(({ header, tunnel }) => {
		const offset = tunnel[record]?.['inner_header_offset'] as number;
		return offset && inner.has(header.subarray(offset).toString('hex'));
	});
}

const innerOf = (outer: Seen[], record: string): Buffer[] =>
	outer.map(({ header, tunnel }) =>
		header.subarray(tunnel[record]?.['inner_header_offset'] as number),
	);

test.each([
	...TUNNELS,
	{ name: 'any', type: ['vxlan'], underlay: 'ipv4', local: false, vni: 4242 } satisfies Tunnel,
])('$name, at the uplink: where the inner header is, and the VNI', (tunnel) => {
	const { name, vni } = tunnel;
	for (const [direction, record, network] of [
		['rx', 'decapsulate_egress', 'vni_ingress'],
		['tx', 'decapsulate_ingress', 'vni_egress'],
	] as const) {
		const outer = outerOf(direction, tunnel, record);
		const inner = echoes(`${name} ${direction}`);
		expect(inner.length, direction).toBeGreaterThan(1);
		expect(texts(innerOf(outer, record)), direction).toEqual(texts(inner));
		for (const { tunnel: records } of outer)
			expect(records).toEqual({
				[record]: { inner_header_offset: expect.any(Number) },
				...(vni ? { [network]: { vni } } : {}),
			});
	}
});

test.each(TUNNELS.filter(({ vni }) => vni))('$name, at the device: the VNI', ({ name, vni }) => {
	for (const { tunnel } of at(`${name} rx`)) expect(tunnel).toEqual({ vni_ingress: { vni } });
	for (const { tunnel } of at(`${name} tx`)) expect(tunnel).toEqual({ vni_egress: { vni } });
});

test.each(TUNNELS.filter(({ protocol }) => protocol))(
	'$name, at the device: the outer header, as it is on the wire then',
	(tunnel) => {
		const { name, protocol } = tunnel;
		const outer = new Map(
			outerOf('tx', tunnel, 'decapsulate_ingress').map(({ header, tunnel: records }) => {
				const offset = records['decapsulate_ingress']?.['inner_header_offset'] as number;
				return [header.subarray(offset).toString('hex'), header.subarray(14)];
			}),
		);
		const classes = new Set<number>();
		for (const { header, tunnel: records } of at(`${name} tx`)) {
			if (!header.includes(ECHO)) continue;
			const ip = outer.get(header.toString('hex')) as Buffer;
			expect(records).toEqual({
				ipv4_tunnel_egress: {
					length: ip.readUInt16BE(2),
					protocol,
					src_ip: '10.8.1.2',
					dst_ip: '10.8.1.1',
					src_port: 0,
					dst_port: 0,
					tcp_flags: 0,
					tos: ip[1],
				},
			});
			classes.add(ip[1] as number);
		}
		expect(classes.size).toBeGreaterThan(1);
		for (const { tunnel: records } of at(`${name} rx`)) expect(records).toEqual({});
	},
);

test('a device that has neither: nothing', () => {
	const others = TUNNELS.filter(({ vni, protocol }) => !vni && !protocol);
	for (const name of ['any', ...others.map((each) => each.name)])
		for (const direction of ['rx', 'tx'])
			for (const { tunnel } of at(`${name} ${direction}`)) expect(tunnel).toEqual({});
});

test('an unknown network, and what is only routed: nothing', () => {
	const vni = ({ header }: Seen): number =>
		header[23] === UDP && header.length >= 50 ? header.readUIntBE(46, 3) : 0;
	const stray = seen.filter((each) => vni(each) === 999);
	const transit = seen.filter((each) => vni(each) === 998);
	expect(stray.length).toBeGreaterThan(0);
	expect(new Set(transit.map(({ where }) => where))).toEqual(new Set(['up0 rx', 'up0 tx']));
	for (const { tunnel } of [...stray, ...transit]) expect(tunnel).toEqual({});
});

test('sfacctd reads samples with these records', async () => {
	await using lab = new Lab();
	const host = lab.host('agent');
	const sfacctd = await Sfacctd.start(host, 6343, lab.directory());
	const spec = { collectors: ['127.0.0.1'], agent: '192.0.2.1', pollingMs: 0 };
	const agent = await AgentProcess.start(host, spec);
	agent.add(1);
	const tunnel = { decapsulateEgress: 50, vniIngress: 0xffffff };
	agent.sample(flowSample({ rate: 100, tunnel }), 40, 100);
	const seen = await sfacctd.flows(40 * 100);
	await agent.close();
	expect(seen).toMatchObject([{ ip_src: '10.9.0.1', ip_dst: '10.9.0.2', port_dst: 9 }]);
});
