/**
 * Where on its way through the kernel a tap sees a frame: every claim of docs/where-do-i-see-what.md.
 * A sighting is written "interface direction what", in the order of time.
 */
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { HOST_A, HOST_B, type Tag, udpFrame } from '../harness/frames.ts';
import { type Host, Lab } from '../harness/lab.ts';
import { observe } from '../harness/observed.ts';
import { tshark } from '../harness/readers.ts';
import { addresses, CLIENT_IP, cable, HOST_IP, type Scene, scene } from '../harness/scene.ts';

const MTU_FRAME = 1514;
const DIRECTIONS: Record<string, string> = { '1': 'rx', '2': 'tx' };

/** A capture of several interfaces, and what each of them saw. */
async function watch(lab: Lab, host: Host, interfaces: string[], ...args: string[]) {
	const file = join(lab.directory(), 'seen.pcapng');
	const session = await observe(host, 'capture', ...interfaces, '-w', file, ...args);
	return {
		/** Waits for so many frames, ends, and says where those were that match. */
		async saw(atLeast: number, filter: string, ...fields: string[]): Promise<string[]> {
			await session.waits(
				({ ledger: { seen, filtered } }) => seen.frames - filtered.frames >= atLeast,
				`${atLeast} frames that match`,
			);
			await session.stop();
			const columns = ['frame.interface_name', 'frame.packet_flags_direction', ...fields];
			return tshark(file, columns, '-Y', filter).map(([name, flags, ...values]) => {
				const direction = DIRECTIONS[String(Number(flags))];
				return [name, direction, ...values].join(' ');
			});
		},
	};
}

function run(host: Host, commands: string): void {
	const lines = commands.split('\n').map((line) => line.trim());
	for (const line of lines.filter(Boolean)) {
		const [command = '', ...args] = line.split(' ');
		host.exec(command, ...args);
	}
}

const rules = (host: Host, text: string): string =>
	host.exec('sh', '-c', 'printf %s "$1" | nft -f -', 'sh', text.replaceAll('; }', '\n}'));

const SEND = `import socket, sys
sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
try: sock.sendto(b"x", (sys.argv[1], int(sys.argv[2])))
except PermissionError: pass`;

/** A datagram from a socket; what the own firewall answers is ignored. */
const say = (host: Host, address: string, port: number): string =>
	host.exec('python3', '-c', SEND, address, String(port));

/** Lets a capture know that everything before it has been seen. */
const WITNESS = 1000;

const SERVER_IP = '10.7.0.2';
const OUTER_IP = '10.7.0.1';

/** client c0 -- h0 host h1 -- s0 server, the host routes. */
function routed(lab: Lab): Scene & { server: Host } {
	const all = { ...scene(lab), server: lab.host('server') };
	addresses(all);
	cable(all.host, 'h1', all.server, 's0', lab);
	run(all.host, `ip address add ${OUTER_IP}/24 dev h1\nsysctl -qw net.ipv4.ip_forward=1`);
	run(all.server, `ip address add ${SERVER_IP}/24 dev s0\nip route add default via ${OUTER_IP}`);
	run(all.client, `ip route add default via ${HOST_IP}`);
	return all;
}

test('NAT: received frames are seen before it, sent frames after it', async () => {
	await using lab = new Lab();
	const { client, host, server } = routed(lab);
	rules(
		host,
		`table ip t {
			chain pre { type nat hook prerouting priority dstnat; udp dport 5353 dnat to ${SERVER_IP}:53; }
			chain post { type nat hook postrouting priority srcnat; oifname h1 masquerade; }
		}`,
	);
	const echo = `import socket
sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); sock.bind(("${SERVER_IP}", 53)); print("ready", flush=True)
sock.sendto(b"y", sock.recvfrom(9)[1])`;
	await server.spawn('python3', ['-c', echo]).says(/ready/);
	const tap = await watch(lab, host, ['h0', 'h1'], '--filter', 'udp');
	say(client, HOST_IP, 5353);
	expect(await tap.saw(4, 'udp', 'ip.src', 'ip.dst', 'ip.ttl')).toEqual([
		`h0 rx ${CLIENT_IP} ${HOST_IP} 64`,
		`h1 tx ${OUTER_IP} ${SERVER_IP} 63`,
		`h1 rx ${SERVER_IP} ${OUTER_IP} 64`,
		`h0 tx ${HOST_IP} ${CLIENT_IP} 63`,
	]);
});

test('a firewall drops received frames behind the taps, and sent frames in front of them', async () => {
	await using lab = new Lab();
	const { client, host } = routed(lab);
	rules(
		host,
		`table netdev n {
			chain i { type filter hook ingress device h0 priority -500; udp dport 1 counter drop; }
			chain e { type filter hook egress device h0 priority -500; udp dport 2 counter drop; }
		}
		table inet f {
			chain c_pre { type filter hook prerouting priority raw; udp dport 3 counter drop; }
			chain c_input { type filter hook input priority filter; udp dport 4 counter drop; }
			chain c_forward { type filter hook forward priority filter; udp dport 5 counter drop; }
			chain c_output { type filter hook output priority filter; udp dport 6 counter drop; }
			chain c_post { type filter hook postrouting priority srcnat; udp dport 7 counter drop; }
		}`,
	);
	const tap = await watch(lab, host, ['h0', 'h1'], '--filter', 'udp');
	for (const port of [1, 3, 4]) say(client, HOST_IP, port);
	say(client, SERVER_IP, 5);
	for (const port of [2, 6, 7]) say(host, CLIENT_IP, port);
	say(host, CLIENT_IP, WITNESS);
	expect(await tap.saw(5, 'udp and not icmp', 'udp.dstport')).toEqual([
		'h0 rx 1',
		'h0 rx 3',
		'h0 rx 4',
		'h0 rx 5',
		`h0 tx ${WITNESS}`,
	]);
	const dropped = host.exec('nft', 'list', 'ruleset').match(/counter packets (\d+)/g);
	expect(dropped).toEqual(Array(7).fill('counter packets 1'));
});

test.each(['INPUT', 'OUTPUT'])('iptables -A %s -j DROP: the same', async (chain) => {
	await using lab = new Lab();
	const { client, host } = routed(lab);
	run(host, `iptables -w -A ${chain} -p udp --dport 4 -j DROP`);
	const tap = await watch(lab, host, ['h0'], '--filter', 'udp');
	if (chain === 'INPUT') say(client, HOST_IP, 4);
	else say(host, CLIENT_IP, 4);
	say(host, CLIENT_IP, WITNESS);
	const expected = chain === 'INPUT' ? ['h0 rx 4'] : [];
	expect(await tap.saw(1, 'udp and not icmp', 'udp.dstport')).toEqual([
		...expected,
		`h0 tx ${WITNESS}`,
	]);
});

test('a frame that the qdisc drops was seen at egress, and never left', async () => {
	await using lab = new Lab();
	const { client, host } = routed(lab);
	// No frame is as small as its bucket.
	run(host, 'tc qdisc add dev h0 root tbf rate 8kbit burst 20 limit 10000');
	const tap = await watch(lab, host, ['h0'], '--filter', 'udp');
	const end = await watch(lab, client, ['c0'], '--filter', 'udp');
	for (let i = 0; i < 3; i++) say(host, CLIENT_IP, 9);
	say(client, HOST_IP, WITNESS);
	expect(await tap.saw(4, 'udp and not icmp', 'udp.dstport')).toEqual([
		'h0 tx 9',
		'h0 tx 9',
		'h0 tx 9',
		`h0 rx ${WITNESS}`,
	]);
	expect(await end.saw(1, 'udp and not icmp', 'udp.dstport')).toEqual([`c0 tx ${WITNESS}`]);
	expect(host.exec('tc', '-s', 'qdisc', 'show', 'dev', 'h0')).toMatch(/dropped [3-9]/);
});

test('what a tc filter redirects was seen before', async () => {
	await using lab = new Lab();
	const { client, host } = routed(lab);
	run(
		host,
		`tc qdisc add dev h0 clsact
		tc filter add dev h0 ingress prio 10 u32 match u32 0 0 action mirred egress redirect dev m0
		tc filter add dev h0 egress prio 10 u32 match u32 0 0 action mirred egress redirect dev m0`,
	);
	const tap = await watch(lab, host, ['h0', 'm0'], '--filter', 'udp');
	say(client, HOST_IP, 4);
	say(host, CLIENT_IP, 5);
	expect((await tap.saw(4, 'udp and not icmp', 'udp.dstport')).sort()).toEqual([
		'h0 rx 4',
		'h0 tx 5',
		'm0 tx 4',
		'm0 tx 5',
	]);
});

const TRANSFER = 2_000_000;

/** Bulk TCP from one host to the other. */
async function transfer(from: Host, to: Host, address: string): Promise<void> {
	const receive = `import socket
listener = socket.create_server(("", 5001)); print("ready", flush=True)
peer = listener.accept()[0]
while peer.recv(65536): pass`;
	const receiver = to.spawn('python3', ['-c', receive]);
	await receiver.says(/ready/);
	const send = `import socket
sock = socket.create_connection(("${address}", 5001)); sock.sendall(bytes(${TRANSFER})); sock.close()`;
	from.exec('python3', '-c', send);
	expect((await receiver.finished).code).toBe(0);
}

const data = 'tcp.dstport == 5001 and tcp.len > 0';
const lengths = (sightings: string[]) => sightings.map((line) => Number(line.split(' ')[2]));

test('GRO: tcx has the frames that it merged, XDP those of the wire', async () => {
	await using lab = new Lab();
	const all = scene(lab);
	addresses(all);
	run(all.client, 'ethtool -K c0 tso off gso off');
	const xdp = await watch(lab, all.host, ['h0'], '--hook', 'xdp', '--direction', 'rx');
	const tcx = await watch(lab, all.host, ['h0'], '--direction', 'rx');
	await transfer(all.client, all.host, HOST_IP);
	const atXdp = lengths(await xdp.saw(TRANSFER / 1448, data, 'frame.len', 'tcp.len'));
	const atTcx = lengths(await tcx.saw(TRANSFER / 1448, data, 'frame.len', 'tcp.len'));
	expect(Math.max(...atXdp)).toBe(MTU_FRAME);
	expect(Math.max(...atTcx)).toBeGreaterThan(MTU_FRAME);
	expect(atTcx.length).toBeLessThan(atXdp.length);
});

test('TSO: at egress the super-frames are whole still', async () => {
	await using lab = new Lab();
	const all = scene(lab);
	addresses(all);
	const tap = await watch(lab, all.host, ['h0'], '--direction', 'tx');
	await transfer(all.host, all.client, CLIENT_IP);
	const seen = lengths(await tap.saw(TRANSFER / 1448, data, 'frame.len'));
	expect(Math.max(...seen)).toBeGreaterThan(MTU_FRAME);
});

test('VLAN: the tag is in the frame at XDP and at tcx', async () => {
	await using lab = new Lab();
	const all = scene(lab);
	addresses(all);
	const xdp = await watch(lab, all.host, ['h0'], '--hook', 'xdp', '--direction', 'rx');
	const tcx = await watch(lab, all.host, ['h0'], '--direction', 'rx');
	const frame = udpFrame(100, { tags: [{ id: 7 }] });
	await all.client.sendSelf('c0', frame, 1);
	const seen = ['h0 rx 7 104'];
	expect(await xdp.saw(1, 'vlan', 'vlan.id', 'frame.len')).toEqual(seen);
	expect(await tcx.saw(1, 'vlan', 'vlan.id', 'frame.len')).toEqual(seen);
});

/** A frame from the first MAC address to the second, known by its UDP port. */
const between = (source: string, destination: string, port: number, tags: Tag[] = []) =>
	udpFrame(100, { source, destination, port, tags });

test('a bridge: forwarded frames at both ports, those for and from the host at br0 too', async () => {
	await using lab = new Lab();
	const [host, left, right] = [lab.host('host'), lab.host('left'), lab.host('right')];
	cable(host, 'p0', left, 'e0', lab);
	cable(host, 'p1', right, 'e1', lab);
	const mac = '02:00:00:00:00:cb';
	run(
		host,
		`ip link add br0 address ${mac} type bridge mcast_snooping 0
		sysctl -qw net.ipv6.conf.br0.disable_ipv6=1
		ip link set p0 master br0
		ip link set p1 master br0
		ip link set br0 up
		bridge fdb replace ${HOST_A} dev p0 master static
		bridge fdb replace ${HOST_B} dev p1 master static`,
	);
	const tap = await watch(lab, host, ['br0', 'p0', 'p1'], '--filter', 'udp');
	await left.sendSelf('e0', between(HOST_A, HOST_B, 1), 1);
	await left.sendSelf('e0', between(HOST_A, mac, 2), 1);
	await host.sendSelf('br0', between(mac, HOST_B, 3), 1);
	await left.sendSelf('e0', between(HOST_A, 'ff:ff:ff:ff:ff:ff', 4), 1);
	const seen = await tap.saw(9, 'udp', 'udp.dstport');
	const of = (port: number) => seen.filter((line) => line.endsWith(` ${port}`)).sort();
	expect(of(1)).toEqual(['p0 rx 1', 'p1 tx 1']);
	expect(of(2)).toEqual(['br0 rx 2', 'p0 rx 2']);
	expect(of(3)).toEqual(['br0 tx 3', 'p1 tx 3']);
	expect(of(4)).toEqual(['br0 rx 4', 'p0 rx 4', 'p1 tx 4']);
});

test('loopback: every frame once sent and once received', async () => {
	await using lab = new Lab();
	const host = lab.host('host');
	const tap = await watch(lab, host, ['lo'], '--filter', 'udp dst port 9');
	say(host, '127.0.0.1', 9);
	expect(await tap.saw(2, 'udp', 'udp.dstport')).toEqual(['lo tx 9', 'lo rx 9']);
});

test('to an own address of another interface: at lo, not there', async () => {
	await using lab = new Lab();
	const all = scene(lab);
	addresses(all);
	const tap = await watch(lab, all.host, ['lo', 'h0'], '--filter', 'udp dst port 9');
	say(all.host, HOST_IP, 9);
	expect(await tap.saw(2, 'udp', 'udp.dstport')).toEqual(['lo tx 9', 'lo rx 9']);
});

const MACVLANS = { mv0: '02:00:00:00:01:00', mv1: '02:00:00:00:01:01' };
const macvlanRows = [
	// The kernel shows the parent's taps what it forwards: received there, though it never was on a wire.
	{ mode: 'bridge', siblings: ['h0 rx 1', 'mv0 tx 1', 'mv1 rx 1'] },
	{ mode: 'vepa', siblings: ['h0 tx 1', 'mv0 tx 1'] },
	{ mode: 'private', siblings: ['h0 tx 1', 'mv0 tx 1'] },
];

test.each(macvlanRows)('macvlan: $mode', async ({ mode, siblings }) => {
	await using lab = new Lab();
	const { client, host } = scene(lab);
	for (const [name, mac] of Object.entries(MACVLANS))
		run(
			host,
			`ip link add ${name} link h0 address ${mac} type macvlan mode ${mode}
			sysctl -qw net.ipv6.conf.${name}.disable_ipv6=1
			ip link set ${name} up`,
		);
	const tap = await watch(lab, host, ['h0', 'mv0', 'mv1'], '--filter', 'udp');
	await host.sendSelf('mv0', between(MACVLANS.mv0, MACVLANS.mv1, 1), 1);
	await host.sendSelf('mv0', between(MACVLANS.mv0, HOST_A, 2), 1);
	await client.sendSelf('c0', between(HOST_A, MACVLANS.mv1, 3), 1);
	const seen = (await tap.saw(6, 'udp', 'udp.dstport')).sort();
	const of = (port: number) => seen.filter((line) => line.endsWith(` ${port}`));
	expect(of(1)).toEqual(siblings);
	expect(of(2)).toEqual(['h0 tx 2', 'mv0 tx 2']);
	expect(of(3)).toEqual(['h0 rx 3', 'mv1 rx 3']);
});

test('macvlan, passthru mode: everything at both', async () => {
	await using lab = new Lab();
	const { client, host } = scene(lab);
	run(host, 'ip link add mv0 link h0 type macvlan mode passthru\nip link set mv0 up');
	const tap = await watch(lab, host, ['h0', 'mv0'], '--filter', 'udp');
	await client.sendSelf('c0', between(HOST_A, HOST_B, 1), 1);
	await host.sendSelf('mv0', between(HOST_B, HOST_A, 2), 1);
	expect((await tap.saw(4, 'udp', 'udp.dstport')).sort()).toEqual([
		'h0 rx 1',
		'h0 tx 2',
		'mv0 rx 1',
		'mv0 tx 2',
	]);
});

test('VXLAN: its packets at the interface below, what is in them at the device', async () => {
	await using lab = new Lab();
	const all = scene(lab);
	addresses(all);
	for (const [host, local, remote, inner] of [
		[all.client, CLIENT_IP, HOST_IP, '10.6.0.1'],
		[all.host, HOST_IP, CLIENT_IP, '10.6.0.2'],
	] as const)
		run(
			host,
			`ip link add vx0 type vxlan id 42 dstport 4789 local ${local} remote ${remote}
			sysctl -qw net.ipv6.conf.vx0.disable_ipv6=1
			ip link set vx0 up
			ip address add ${inner}/24 dev vx0`,
		);
	const tap = await watch(lab, all.host, ['h0', 'vx0'], '--filter', 'udp port 4789 or icmp');
	all.client.exec('ping', '-c', '1', '-W', '2', '10.6.0.2');
	expect((await tap.saw(4, 'icmp', 'frame.protocols')).sort()).toEqual([
		'h0 rx eth:ethertype:ip:udp:vxlan:eth:ethertype:ip:icmp:data',
		'h0 tx eth:ethertype:ip:udp:vxlan:eth:ethertype:ip:icmp:data',
		'vx0 rx eth:ethertype:ip:icmp:data',
		'vx0 tx eth:ethertype:ip:icmp:data',
	]);
});

test('TAP: what its process writes is received, what it reads is sent', async () => {
	await using lab = new Lab();
	const host = lab.host('host');
	const program = `import fcntl, os, struct, sys
tap = os.open("/dev/net/tun", os.O_RDWR)
fcntl.ioctl(tap, 0x400454CA, struct.pack("16sH22x", b"tap0", 0x1002))
print("ready", flush=True)
for line in sys.stdin: os.write(tap, bytes.fromhex(line))`;
	const guest = host.spawn('python3', ['-c', program]);
	await guest.says(/ready/);
	run(host, 'sysctl -qw net.ipv6.conf.tap0.disable_ipv6=1\nip link set tap0 up');
	const tap = await watch(lab, host, ['tap0'], '--filter', 'udp');
	guest.child.stdin?.write(`${between(HOST_A, HOST_B, 1).toString('hex')}\n`);
	await host.sendSelf('tap0', between(HOST_B, HOST_A, 2), 1);
	const seen = await tap.saw(2, 'udp', 'udp.dstport');
	expect(seen.sort()).toEqual(['tap0 rx 1', 'tap0 tx 2']);
});

test('a packet socket does not see what a tap at egress sees, when the qdisc drops it', async () => {
	await using lab = new Lab();
	const { host, client } = routed(lab);
	run(host, 'tc qdisc add dev h0 root tbf rate 8kbit burst 20 limit 10000');
	const tcpdump = host.spawn('tcpdump', ['-p', '-n', '-l', '--immediate-mode', '-i', 'h0', 'udp']);
	await tcpdump.says(/listening on/);
	const tap = await watch(lab, host, ['h0'], '--filter', 'udp');
	say(host, CLIENT_IP, 9);
	say(client, HOST_IP, WITNESS);
	expect(await tap.saw(2, 'udp and not icmp', 'udp.dstport')).toContain('h0 tx 9');
	await tcpdump.says(new RegExp(`\\.${WITNESS}:`));
	expect((await tcpdump.stop()).stdout).not.toMatch(/\.9:/);
});

test('what an XDP program drops is seen by no tap at tcx', async () => {
	await using lab = new Lab();
	const { client, host } = routed(lab);
	const directory = lab.directory();
	const source = '__attribute__((section("xdp"), used)) int drop(void *c) { return 1; }';
	host.exec(
		'sh',
		'-c',
		'echo "$1" | clang -O2 -target bpf -x c -c - -o "$2"',
		'sh',
		source,
		`${directory}/drop.o`,
	);
	run(host, `ip link set h0 xdp obj ${directory}/drop.o sec xdp`);
	const tap = await watch(lab, host, ['h0'], '--filter', 'udp');
	const end = await watch(lab, client, ['c0'], '--filter', 'udp');
	say(client, HOST_IP, 4);
	await end.saw(1, 'udp');
	run(host, 'ip link set h0 xdp off');
	say(client, HOST_IP, WITNESS);
	expect(await tap.saw(1, 'udp and not icmp', 'udp.dstport')).toEqual([`h0 rx ${WITNESS}`]);
});

if (process.env['XSPAN_ALL_DEVICES'])
	describe('on a kernel with all kinds', () => {
		test('VLAN: tagged at the interface below, untagged at its device', async () => {
			await using lab = new Lab();
			const { client, host } = scene(lab);
			run(
				host,
				`ip link add link h0 name h0.7 type vlan id 7
			sysctl -qw net.ipv6.conf.h0/7.disable_ipv6=1
			ip link set h0.7 up`,
			);
			const tap = await watch(lab, host, ['h0', 'h0.7']);
			await client.sendSelf('c0', between(HOST_A, HOST_B, 1, [{ id: 7 }]), 1);
			await host.sendSelf('h0.7', between(HOST_B, HOST_A, 2), 1);
			expect((await tap.saw(4, 'udp.dstport < 3', 'udp.dstport', 'vlan.id')).sort()).toEqual([
				'h0 rx 1 7',
				'h0 tx 2 7',
				'h0.7 rx 1 ',
				'h0.7 tx 2 ',
			]);
		});

		test.each(['bond', 'team'])('%s: at the port and at the device', async (kind) => {
			await using lab = new Lab();
			const { client, host } = scene(lab);
			const master = kind === 'bond' ? 'type bond mode active-backup' : 'type team';
			run(
				host,
				`ip link set h0 down
			ip link add over0 ${master}
			ip link set h0 master over0
			ip link set h0 up
			ip link set over0 up`,
			);
			const tap = await watch(lab, host, ['h0', 'over0']);
			await client.sendSelf('c0', between(HOST_A, HOST_B, 1), 1);
			if (kind === 'bond') await host.sendSelf('over0', between(HOST_B, HOST_A, 2), 1);
			const seen = await tap.saw(kind === 'bond' ? 4 : 1, 'udp.dstport < 3', 'udp.dstport');
			if (kind === 'bond')
				expect(seen.sort()).toEqual(['h0 rx 1', 'h0 tx 2', 'over0 rx 1', 'over0 tx 2']);
			else expect(seen).toContain('h0 rx 1');
		});

		test('ipvlan, l2: what two of one parent exchange is not at the parent', async () => {
			await using lab = new Lab();
			const { client, host } = scene(lab);
			const [one, other] = [lab.host('one'), lab.host('other')];
			for (const [guest, ip] of [
				[one, '10.5.0.1'],
				[other, '10.5.0.2'],
			] as const) {
				run(host, `ip link add iv0 link h0 netns ${guest.namespace} type ipvlan mode l2`);
				run(guest, `ip link set iv0 up\nip address add ${ip}/24 dev iv0`);
			}
			run(client, 'ip address add 10.5.0.3/24 dev c0');
			const parent = await watch(lab, host, ['h0'], '--filter', 'icmp');
			const device = await watch(lab, one, ['iv0'], '--filter', 'icmp');
			one.exec('ping', '-c', '1', '-W', '5', '10.5.0.2');
			one.exec('ping', '-c', '1', '-W', '5', '10.5.0.3');
			expect(await parent.saw(2, 'icmp', 'ip.dst')).toEqual(['h0 tx 10.5.0.3', 'h0 rx 10.5.0.1']);
			expect(await device.saw(4, 'icmp', 'ip.dst')).toEqual([
				'iv0 tx 10.5.0.2',
				'iv0 rx 10.5.0.1',
				'iv0 tx 10.5.0.3',
				'iv0 rx 10.5.0.1',
			]);
		});
	});
