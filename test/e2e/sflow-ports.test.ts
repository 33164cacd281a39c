/** The input and output of flow samples, on a host that routes, bridges and terminates. */
import { beforeAll, expect, test } from 'vitest';
import { INTERNAL_PORT } from '../../src/sflow/ports.ts';
import { type Host, Lab } from '../harness/lab.ts';
import type { DecodedFlow } from '../harness/sflow.ts';
import { SflowCommand } from '../harness/sflow-command.ts';

const UNKNOWN = 'unknown';
const HOST = 'host';
const PROHIBITED = 'discarded 13';

/** Of an echo request or reply: "source interface: input -> output, from > to". */
type Way = string;

const hex = (flow: DecodedFlow): Buffer =>
	Buffer.from(flow.records['sampled_header']?.['header'] as string, 'hex');

function addresses(frame: Buffer): [string, string] | null {
	const type = frame.readUInt16BE(12);
	if (type === 0x0800) {
		const text = (at: number) => [...frame.subarray(at, at + 4)].join('.');
		return [text(26), text(30)];
	}
	// fd00:N::M
	const text = (at: number) => `fd00:${frame[at + 3]}::${frame[at + 15]}`;
	return type === 0x86dd && frame[22] === 0xfd ? [text(22), text(38)] : null;
}

function echoes(flow: DecodedFlow): boolean {
	const frame = hex(flow);
	const protocol = frame.readUInt16BE(12) === 0x0800 ? frame[23] : frame[20];
	const type = frame[frame.readUInt16BE(12) === 0x0800 ? 34 : 54] as number;
	return (
		(protocol === 1 && [0, 8].includes(type)) || (protocol === 58 && [128, 129].includes(type))
	);
}

function waysOf(flows: readonly DecodedFlow[], names: Map<number, string>): Set<Way> {
	const port = ({ format, value }: DecodedFlow['input']): string => {
		if (format === 1) return `discarded ${value}`;
		if (value === INTERNAL_PORT) return HOST;
		return value === 0 ? UNKNOWN : (names.get(value) ?? String(value));
	};
	return new Set(
		flows.filter(echoes).map((flow) => {
			const [from, to] = addresses(hex(flow)) ?? [];
			const way = `${port(flow.input)} -> ${port(flow.output)}`;
			return `${names.get(flow.source.index)}: ${way}, ${from} > ${to}`;
		}),
	);
}

function address(host: Host, name: string, n: number, m: number): void {
	host.exec('sh', '-c', `echo 0 > /proc/sys/net/ipv6/conf/${name}/disable_ipv6`);
	host.ip('address', 'add', `10.8.${n}.${m}/24`, 'dev', name);
	host.ip('address', 'add', `fd00:${n}::${m}/64`, 'dev', name, 'nodad');
}

function neighbour(lab: Lab, router: Host, name: string, n: number): Host {
	const host = lab.host(name);
	lab.wire(router, name, host, 'eth0');
	address(host, 'eth0', n, 2);
	host.ip('route', 'add', 'default', 'via', `10.8.${n}.1`);
	host.ip('route', 'add', 'default', 'via', `fd00:${n}::1`);
	return host;
}

/** The same target in both families. */
const ping = (host: Host, n: number, m: number): void => {
	for (const to of [`10.8.${n}.${m}`, `fd00:${n}::${m}`])
		host.exec('sh', '-c', `ping -c 3 -i 0.05 -W 1 ${to} || true`);
};

let ways: Set<Way>;

const NAMES = ['left', 'right', 'b1', 'b2', 'br0'];

beforeAll(async () => {
	await using lab = new Lab();
	const router = lab.host('router');
	const [left] = ['left', 'right'].map((name, i) => {
		const host = neighbour(lab, router, name, i + 1);
		address(router, name, i + 1, 1);
		return host;
	}) as [Host, Host];
	router.ip('link', 'add', 'br0', 'type', 'bridge');
	router.ip('link', 'set', 'br0', 'address', '02:00:00:00:0b:00', 'up');
	const [one] = ['b1', 'b2'].map((name, i) => {
		const host = neighbour(lab, router, name, 3);
		host.ip('address', 'flush', 'dev', 'eth0');
		address(host, 'eth0', 3, i + 2);
		router.ip('link', 'set', name, 'master', 'br0');
		return host;
	}) as [Host, Host];
	address(router, 'br0', 3, 1);
	router.exec('sh', '-c', 'echo 1 > /proc/sys/net/ipv4/ip_forward');
	router.exec('sh', '-c', 'echo 1 > /proc/sys/net/ipv6/conf/all/forwarding');
	router.ip('route', 'add', 'prohibit', '10.8.6.0/24');
	router.ip('route', 'add', 'prohibit', 'fd00:6::/64');
	const names = new Map(NAMES.map((name) => [router.ifindex(name), name]));
	const args = [...NAMES, '--sampling', '1/1', '--polling', '0'];
	const sflow = await SflowCommand.start(lab, router, ...args);
	ping(left, 2, 2);
	ping(left, 1, 1);
	ping(left, 6, 1);
	ping(one, 3, 3);
	ping(one, 3, 1);
	const { flows } = await sflow.end();
	ways = waysOf(flows, names);
}, 60_000);

const FAMILIES = [
	{ family: 'IPv4', to: (n: number, m: number) => `10.8.${n}.${m}` },
	{ family: 'IPv6', to: (n: number, m: number) => `fd00:${n}::${m}` },
];

test.each(FAMILIES)('routed, $family', ({ to }) => {
	for (const name of ['left', 'right']) {
		expect(ways).toContain(`${name}: left -> right, ${to(1, 2)} > ${to(2, 2)}`);
		expect(ways).toContain(`${name}: right -> left, ${to(2, 2)} > ${to(1, 2)}`);
	}
});

test.each(FAMILIES)('terminated, $family', ({ to }) => {
	expect(ways).toContain(`left: left -> ${HOST}, ${to(1, 2)} > ${to(1, 1)}`);
	expect(ways).toContain(`left: ${HOST} -> left, ${to(1, 1)} > ${to(1, 2)}`);
});

test.each(FAMILIES)('refused by a route, $family', ({ to }) => {
	expect(ways).toContain(`left: left -> ${PROHIBITED}, ${to(1, 2)} > ${to(6, 1)}`);
});

test.each(FAMILIES)('bridged, $family: the same in front of the bridge and behind it', ({ to }) => {
	for (const name of ['b1', 'b2']) {
		expect(ways).toContain(`${name}: b1 -> b2, ${to(3, 2)} > ${to(3, 3)}`);
		expect(ways).toContain(`${name}: b2 -> b1, ${to(3, 3)} > ${to(3, 2)}`);
	}
});

test.each(FAMILIES)('through a bridge to the host, $family', ({ to }) => {
	expect(ways).toContain(`b1: b1 -> br0, ${to(3, 2)} > ${to(3, 1)}`);
	expect(ways).toContain(`br0: br0 -> ${HOST}, ${to(3, 2)} > ${to(3, 1)}`);
	expect(ways).toContain(`br0: ${HOST} -> br0, ${to(3, 1)} > ${to(3, 2)}`);
});

test('nothing else was seen', () => {
	const atTheBridge = 4 + 2 + 2;
	expect(ways.size).toBe(2 * (4 + 2 + 1 + atTheBridge));
});
