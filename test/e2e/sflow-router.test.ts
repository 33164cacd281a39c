/** extended_router: by which routes a frame goes where, at ingress and at egress. */
import { release } from 'node:os';
import { beforeAll, expect, test } from 'vitest';
import { isAtLeast } from '../../src/doctor/doctor.ts';
import { type Host, Lab } from '../harness/lab.ts';
import type { DecodedFlow } from '../harness/sflow.ts';
import { SflowCommand } from '../harness/sflow-command.ts';

const ETHERTYPE_AT = 12;
const IPV4 = { type: 0x0800, destination: 30, length: 4 } as const;
const IPV6 = { type: 0x86dd, destination: 38, length: 16 } as const;

/** One line for an echo request: "interface direction, destination: next hop, prefix lengths". */
type Hop = string;

/** As everybody writes it (RFC 5952). */
function textOf(address: Buffer): string {
	if (address.length === 4) return [...address].join('.');
	const words = (address.toString('hex').match(/.{4}/g) ?? []).join(':');
	return new URL(`http://[${words}]`).hostname.slice(1, -1);
}

function destinationOf(flow: DecodedFlow): string | null {
	const frame = Buffer.from(flow.records['sampled_header']?.['header'] as string, 'hex');
	const family = [IPV4, IPV6].find(({ type }) => frame.readUInt16BE(ETHERTYPE_AT) === type);
	if (!family) return null;
	const { destination, length } = family;
	const isEcho = length === 4 ? frame[34] === 8 : frame[54] === 128;
	return isEcho ? textOf(frame.subarray(destination, destination + length)) : null;
}

function hopOf(flow: DecodedFlow, names: Map<number, string>): Hop | null {
	const to = destinationOf(flow);
	if (to === null) return null;
	const { index } = flow.source;
	const direction = flow.input.value === index ? 'rx' : 'tx';
	const { extended_router: router } = flow.records;
	const hop = router
		? `${router['nexthop']} /${router['src_mask_len']} /${router['dst_mask_len']}`
		: 'none';
	return `${names.get(index)} ${direction}, ${to}: ${hop}`;
}

function wire(lab: Lab, router: Host, far: Host, name: string, n: number): void {
	lab.wire(router, name, far, 'eth0');
	for (const [host, device, m] of [
		[router, name, 1],
		[far, 'eth0', 2],
	] as const) {
		host.exec('sh', '-c', `echo 0 > /proc/sys/net/ipv6/conf/${device}/disable_ipv6`);
		host.ip('address', 'add', `10.8.${n}.${m}/24`, 'dev', device);
		host.ip('address', 'add', `fd00:${n}::${m}/64`, 'dev', device, 'nodad');
	}
}

/** Two next hops, which are neighbours at the same interface. */
const MULTIPATH = (a: string, b: string): string[] =>
	[a, b].flatMap((via) => ['nexthop', 'via', via, 'dev', 'right']);

let hops: Set<Hop>;

beforeAll(async () => {
	await using lab = new Lab();
	const [client, router, far] = ['client', 'router', 'far'].map((name) => lab.host(name)) as [
		Host,
		Host,
		Host,
	];
	wire(lab, router, client, 'left', 1);
	wire(lab, router, far, 'right', 2);
	far.ip('address', 'add', '10.8.2.3/24', 'dev', 'eth0');
	far.ip('address', 'add', 'fd00:2::3/64', 'dev', 'eth0', 'nodad');
	router.exec('sh', '-c', 'echo 1 > /proc/sys/net/ipv4/ip_forward');
	router.exec('sh', '-c', 'echo 1 > /proc/sys/net/ipv6/conf/all/forwarding');
	router.ip('route', 'add', '10.9.0.0/16', 'via', '10.8.2.2');
	router.ip('route', 'add', '10.10.0.0/20', 'via', 'inet6', 'fd00:2::2', 'dev', 'right');
	router.ip('route', 'add', 'fd00:9::/32', 'via', 'fd00:2::2');
	router.ip('route', 'add', '10.11.0.0/22', ...MULTIPATH('10.8.2.2', '10.8.2.3'));
	router.ip('route', 'add', 'fd00:11::/40', ...MULTIPATH('fd00:2::2', 'fd00:2::3'));
	router.ip('route', 'add', 'default', 'via', '10.8.2.2');
	client.ip('route', 'add', 'default', 'via', '10.8.1.1');
	client.ip('route', 'add', 'default', 'via', 'fd00:1::1');
	const names = new Map(['left', 'right'].map((name) => [router.ifindex(name), name]));
	const sflow = await SflowCommand.start(
		lab,
		router,
		...['left', 'right', '--sampling', '1/1', '--polling', '0'],
	);
	const ping = (host: Host, to: string) =>
		host.exec('sh', '-c', `ping -c 2 -i 0.05 -W 1 ${to} || true`);
	for (const to of ['10.9.3.4', '10.10.3.4', '10.11.3.4', '10.12.0.1', '10.8.2.2', '10.8.1.1'])
		ping(client, to);
	for (const to of ['fd00:9::4', 'fd00:11::4', 'fd00:2::2', 'fd00:1::1']) ping(client, to);
	ping(router, '10.9.3.4');
	ping(router, 'fd00:9::5');
	const { flows } = await sflow.end();
	hops = new Set(flows.map((flow) => hopOf(flow, names)).filter((hop) => hop !== null));
}, 60_000);

/** Before 6.2 no program may look at the route that a packet carries. */
const carriesRoute = isAtLeast(release(), 6, 2);
const atEgress = (hop: string): string => (carriesRoute ? hop : 'none');

const ROUTED = [
	{ what: 'IPv4 via IPv4', to: '10.9.3.4', hop: '10.8.2.2 /24 /16' },
	{ what: 'IPv4 via IPv6', to: '10.10.3.4', hop: 'fd00:2::2 /24 /20' },
	{ what: 'IPv4 by the default route', to: '10.12.0.1', hop: '10.8.2.2 /24 /0' },
	{ what: 'IPv4 on the link', to: '10.8.2.2', hop: '0.0.0.0 /24 /24' },
	{ what: 'IPv6 via IPv6', to: 'fd00:9::4', hop: 'fd00:2::2 /64 /32' },
	{ what: 'IPv6 on the link', to: 'fd00:2::2', hop: ':: /64 /64' },
];

test.each(ROUTED)('$what: the same at ingress and at egress', ({ to, hop }) => {
	expect(hops).toContain(`left rx, ${to}: ${hop}`);
	expect(hops).toContain(`right tx, ${to}: ${atEgress(hop)}`);
});

test.each(['10.11.3.4', 'fd00:11::4'])('over several next hops, %s', (to) => {
	const prefix = to === '10.11.3.4' ? /^10\.8\.2\.[23] \/24 \/22$/ : /^fd00:2::[23] \/64 \/40$/;
	for (const where of carriesRoute ? ['left rx', 'right tx'] : ['left rx']) {
		const start = `${where}, ${to}: `;
		const found = [...hops].filter((hop) => hop.startsWith(start));
		expect(found).toHaveLength(1);
		expect(found[0]?.slice(start.length)).toMatch(prefix);
	}
});

test('what the host keeps is not routed', () => {
	expect(hops).toContain('left rx, 10.8.1.1: none');
	expect(hops).toContain(`left rx, fd00:1::1: none`);
});

test('what the host sends itself has a next hop, too', () => {
	expect(hops).toContain(`right tx, 10.9.3.4: ${atEgress('10.8.2.2 /32 /16')}`);
	expect(hops).toContain(`right tx, fd00:9::5: ${atEgress('fd00:2::2 /128 /32')}`);
});

test('nothing else was seen', () => {
	const ofTheHost = carriesRoute ? 2 : 1; // without a hop, one of them looks like what is forwarded
	expect(hops.size).toBe(2 * (ROUTED.length + 2) + 2 + ofTheHost);
});
