/**
 * Linux's own devices as the analyser: what they take out of our packets is what was on the wire. The
 * rows are those of the devices that this kernel has; scripts/test-kernels.sh demands all of them.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type DeviceKind, deviceKinds } from '../harness/devices.ts';
import {
	arpRequest,
	ethernet,
	llcFrame,
	lldpFrame,
	runt,
	udp6Frame,
	udpFrame,
} from '../harness/frames.ts';
import { Lab, until } from '../harness/lab.ts';
import { expectBalanced, type Line, parseLines } from '../harness/ledger.ts';
import {
	COLLECTOR,
	Collector,
	EVERYTHING,
	type Family,
	type Remote,
	remote,
	sendAll,
	UPLINK,
} from '../harness/remote.ts';

/** Emulated machines take their time. */
const PATIENT_MS = 120_000;

const FRAMES: [name: string, frame: Buffer][] = [
	['60 bytes', udpFrame(60)],
	['an odd length', udpFrame(77)],
	['1514 bytes', udpFrame(1514)],
	['802.1Q', udpFrame(100, { tags: [{ id: 42, priority: 5 }] })],
	['1514 bytes and a tag', udpFrame(1514, { tags: [{ id: 4094 }] })],
	['QinQ', udpFrame(100, { tags: [{ protocol: 0x88a8, id: 100 }, { id: 42 }] })],
	['ARP', arpRequest()],
	['IPv6', udp6Frame()],
	['LLDP', lldpFrame()],
	['802.3 with LLC', llcFrame()],
	['an unknown protocol', ethernet({ type: 0x88b5 }, Buffer.alloc(46, 7))],
	['an Ethernet header alone', runt()],
];

/** Linux drops what ends within two bytes of a VLAN tag, as it takes that off (skb_vlan_untag). */
const TAGGED = FRAMES.filter(([, frame]) => frame.length >= 16);

interface Row {
	name: string;
	kind: DeviceKind;
	frames?: typeof FRAMES;
	to: string;
	/** What `ip link add name t0` takes. */
	device: string[];
	args?: string[];
}

const url = (scheme: string, family: Family, query: string): string =>
	`${scheme}://${family === 4 ? COLLECTOR[4] : `[${COLLECTOR[6]}]`}${query}`;

const ends = (family: Family): string[] => ['local', COLLECTOR[family], 'remote', UPLINK[family]];

const FAMILIES: Family[] = [4, 6];

const gretaps: Row[] = FAMILIES.flatMap((family) => {
	const kind = family === 4 ? 'gretap' : 'ip6gretap';
	const device = ['type', kind, ...ends(family)];
	return [
		{ name: `${kind}`, kind, to: url('gre', family, ''), device },
		{
			name: `${kind} with a key`,
			kind,
			to: url('gre', family, '?key=4000000007'),
			device: [...device, 'key', '4000000007'],
		},
		{
			name: `${kind} with a key and a sequence`,
			kind,
			to: url('gre', family, '?key=7&seq=1'),
			device: [...device, 'key', '7', 'seq'],
		},
	] satisfies Row[];
});

const erspans: Row[] = FAMILIES.flatMap((family) => {
	const kind = family === 4 ? 'erspan' : 'ip6erspan';
	const device = ['type', kind, ...ends(family)];
	const two = [...device, 'seq', 'key', '10', 'erspan_ver'];
	return [
		// The kernel's own type I is for IPv4 only.
		...(family === 4
			? [
					{
						name: `${kind} I`,
						kind,
						to: url('erspan', family, '?version=1'),
						device: [...device, 'erspan_ver', '0'],
					} satisfies Row,
				]
			: []),
		{
			name: `${kind} II`,
			kind,
			to: url('erspan', family, '?session=10&index=5&cos=3'),
			device: [...two, '1', 'erspan', '5'],
		},
		{
			name: `${kind} III`,
			kind,
			to: url('erspan', family, '?session=10&version=3&hwid=9&granularity=100ns'),
			device: [...two, '2', 'erspan_dir', 'ingress', 'erspan_hwid', '9'],
		},
	] satisfies Row[];
});

const udpTunnels: Row[] = FAMILIES.flatMap((family) => {
	const vxlan = ['type', 'vxlan', 'id', '42', ...ends(family), 'dstport', '4789', 'dev', 'k0'];
	const geneve = ['type', 'geneve', 'id', '42', 'remote', UPLINK[family], 'dstport', '6081'];
	return [
		{
			name: `vxlan over IPv${family}`,
			kind: 'vxlan',
			to: url('vxlan', family, '?vni=42'),
			device: vxlan,
		},
		{
			name: `vxlan over IPv${family}, from clsact`,
			kind: 'vxlan',
			to: url('vxlan', family, '?vni=42&symmetric=1'),
			device: vxlan,
			args: ['--hook', 'clsact'],
		},
		{
			name: `geneve over IPv${family}`,
			kind: 'geneve',
			to: url('geneve', family, '?vni=42'),
			device: geneve,
		},
		{
			name: `geneve with options over IPv${family}`,
			kind: 'geneve',
			to: url('geneve', family, '?vni=42&meta=1&session=7'),
			device: geneve,
		},
	] satisfies Row[];
});

const rspan: Row = {
	name: 'a VLAN device',
	kind: 'vlan',
	frames: TAGGED,
	to: 'rspan:u0?vlan=900&priority=3',
	device: ['link', 'k0', 'type', 'vlan', 'id', '900'],
};

const ROWS: Row[] = [...gretaps, ...erspans, ...udpTunnels, rspan];

const probe = new Lab();
const kinds = deviceKinds(probe);
await probe[Symbol.asyncDispose]();

let lab: Lab;
let set: Remote;
beforeAll(() => {
	lab = new Lab();
	set = remote(lab, { uplinkMtu: 1700 });
}, PATIENT_MS);
afterAll(() => lab[Symbol.asyncDispose]());

/** Mirrors the frames, and returns the last line, in which every one of them was handed on. */
async function mirror({ to, args = [], frames = FRAMES }: Omit<Row, 'name' | 'kind' | 'device'>) {
	const session = set.host.xspan('mirror', 'h0', '--to', to, '--json', ...args);
	await session.says(/"seen"/, PATIENT_MS);
	await sendAll(
		set.client,
		'c0',
		frames.map(([, frame]) => frame),
	);
	await until(
		() => parseLines(session.stdout).at(-1)?.ledger.seen.frames === frames.length,
		'all frames seen',
		PATIENT_MS,
	);
	const { code, stdout, stderr } = await session.stop();
	expect(code, stderr).toBe(0);
	const line = parseLines(stdout).at(-1) as Line;
	expectBalanced(line);
	return line;
}

const bytesOf = (frames: typeof FRAMES) => frames.reduce((sum, [, frame]) => sum + frame.length, 0);

test.each(ROWS.filter((row) => kinds.has(row.kind)))('$name', async (row) => {
	const { frames = FRAMES } = row;
	const { collector } = set;
	collector.ip('link', 'add', 'name', 't0', ...row.device);
	try {
		collector.ip('link', 'set', 't0', 'addrgenmode', 'none', 'up');
		const ear = await Collector.start(collector, lab, 't0', EVERYTHING);
		const line = await mirror(row);
		expect(line.ledger.delivered).toEqual({ frames: frames.length, bytes: bytesOf(frames) });
		expect(line.mirror_port?.truncated.frames).toBe(0);
		const names = new Map(FRAMES.map(([name, frame]) => [frame.toString('hex'), name]));
		const found = (await ear.collects(frames.length)).map((frame) => frame.toString('hex'));
		expect(found.map((hex) => names.get(hex) ?? hex)).toEqual(frames.map(([name]) => name));
	} finally {
		collector.ip('link', 'del', 't0');
	}
});

/** Without GRO at its other end, a veth takes no frames from XDP: copies go through the stack. */
test.each(['on', 'off'])(
	'frames too short to take a tag off, gro %s behind the uplink',
	async (gro) => {
		const frames: typeof FRAMES = [
			['14 bytes', runt()],
			['15 bytes', ethernet({ type: 0x88b5 }, Buffer.alloc(1))],
			['16 bytes', ethernet({ type: 0x88b5 }, Buffer.alloc(2))],
		];
		set.collector.exec('ethtool', '-K', 'k0', 'gro', gro);
		const { ledger } = await mirror({ to: rspan.to, frames });
		set.collector.exec('ethtool', '-K', 'k0', 'gro', 'on');
		expect(ledger.seen).toEqual({ frames: 3, bytes: bytesOf(frames) });
		expect(ledger.delivered.frames).toBeGreaterThanOrEqual(1);
	},
);
