/**
 * `make demo`: three hosts made of network namespaces, real traffic between two of them, one
 * interface mirrored and captured at the same time, and proof that every frame is accounted for.
 * Exits with 0 only when everything that it claims was checked. Touches no interface of this machine.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import pc from 'picocolors';
import { has, Lab, sleep } from './demo/lab.mjs';
import { describe, readPcapng } from './demo/pcapng.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const XSPAN = join(root, 'dist/cli/main.js');
const TRAFFIC = join(root, 'scripts/demo/traffic.mjs');
const CLIENT = '10.0.0.1';
const HOST = '10.0.0.2';
const UPLINK = '10.1.0.1';
const COLLECTOR = '10.1.0.9';
const TUNNEL = `erspan://${COLLECTOR}?session=7&version=3`;
const FRAMES_SHOWN = 10;
/** What the client takes at once, so that no burst overflows the queue behind a veth device. */
const TCP_WINDOW_BYTES = 131_072;
/** Frames that are under way when the traffic ends have arrived by then. */
const SETTLE_MS = 250;
/** Should this program be killed, the sessions end by themselves. */
const SESSION_LIMIT = '60s';

const started = Date.now();
const colors = pc.createColors(process.stdout.isTTY === true && process.env.NO_COLOR === undefined);
const lab = new Lab();
const failures = [];
let steps = 0;
let checks = 0;

const indent = (text) => text.replace(/^(?=.)/gm, '     ');
const say = (text) => console.log(indent(text));
const step = (title) => console.log(`\n${colors.bold(`${++steps}  ${title}`)}`);
const number = (value) => value.toLocaleString('en-US');

function check(holds, claim, otherwise) {
	checks++;
	if (!holds) failures.push(otherwise ?? claim);
	say(holds ? `${colors.green('ok')}    ${claim}` : `${colors.red('FAIL')}  ${otherwise ?? claim}`);
}

function cut(line) {
	const width = (process.stdout.columns ?? 120) - 5;
	return line.length > width ? `${line.slice(0, width - 1)}…` : line;
}

function preconditions() {
	if (!existsSync(XSPAN)) throw new Error('xspan is not built: run `make demo`');
	if (process.getuid?.() !== 0)
		throw new Error('network namespaces and BPF need root: run `sudo make demo`');
	for (const tool of ['ip', 'nsenter', 'unshare'])
		if (!has(tool))
			throw new Error(
				`"${tool}" is missing: install iproute2 and util-linux, or run \`make demo\``,
			);
}

async function build() {
	const hosts = [];
	try {
		for (const name of ['client', 'host', 'ids']) hosts.push(await lab.host(name));
	} catch (error) {
		throw new Error(
			`cannot make a network namespace (in a container: run it with --privileged): ${error.message}`,
		);
	}
	const [client, host, ids] = hosts;
	lab.wire(client, 'eth0', host, 'eth0');
	// No super-frames on the cable to the ids: the kernel cuts them into what a wire would carry.
	lab.wire(host, 'span0', ids, 'eth0', 'gso_max_segs', '1');
	// Room for what a tunnel puts in front of each copy.
	host.ip('link', 'set', 'span0', 'mtu', '1600');
	ids.ip('link', 'set', 'eth0', 'mtu', '1600');
	host.ip('address', 'add', `${UPLINK}/24`, 'dev', 'span0');
	ids.ip('address', 'add', `${COLLECTOR}/24`, 'dev', 'eth0');
	client.ip('address', 'add', `${CLIENT}/24`, 'dev', 'eth0');
	host.ip('address', 'add', `${HOST}/24`, 'dev', 'eth0');
	const window = ['window', String(TCP_WINDOW_BYTES)];
	client.ip('route', 'change', '10.0.0.0/24', 'dev', 'eth0', 'src', CLIENT, ...window);
	return { client, host, ids };
}

/** What a capture tool could have changed of an interface, by "host interface". */
function photograph(hosts) {
	const seen = new Map();
	for (const host of hosts)
		for (const link of host.links())
			seen.set(`${host.name} ${link.ifname}`, {
				promiscuity: link.promiscuity,
				rest: `${link.flags} mtu ${link.mtu}`,
			});
	return seen;
}

const received = (host, name) =>
	host.links().find((link) => link.ifname === name).stats64.rx.packets;

/** A session of the command line tool, and the last ledger that it printed. */
async function session(host, ...args) {
	const limits = ['--duration', SESSION_LIMIT, '--interval', '100ms', '--json'];
	const program = host.start(process.execPath, XSPAN, ...args, ...limits);
	await program.says(/"ledger"/);
	return {
		stop: async () => {
			const code = await program.stop();
			if (code !== 0) throw new Error(`xspan ${args[0]} failed: ${program.stderr.trim()}`);
			return JSON.parse(program.stdout.trim().split('\n').at(-1));
		},
	};
}

/** Counts what arrives at the ids: tcpdump if it is there, else the interface's own counter. */
async function counter(ids) {
	const before = received(ids, 'eth0');
	const byInterface = { by: 'the interface counter', count: () => received(ids, 'eth0') - before };
	if (!has('tcpdump')) return byInterface;
	const options = ['-p', '-s', '64', '-B', '16384', '--immediate-mode', '-w', '/dev/null'];
	const tcpdump = ids.start('tcpdump', '-i', 'eth0', ...options);
	await tcpdump.says(/listening on/);
	return {
		by: 'tcpdump',
		count: async () => {
			await tcpdump.stop();
			const report = (what) =>
				Number(new RegExp(`(\\d+) packets? ${what}`).exec(tcpdump.stderr)?.[1]);
			return report('captured') + report('dropped by kernel');
		},
	};
}

async function startTraffic({ client, host }) {
	await host.start(process.execPath, TRAFFIC, 'server', HOST).says(/ready/);
	const program = client.start(process.execPath, TRAFFIC, 'client', HOST);
	return {
		finish: async () => {
			if ((await program.finished) !== 0)
				throw new Error(`the client failed: ${program.stderr.trim()}`);
			return JSON.parse(program.stdout);
		},
	};
}

function lossText(ledger) {
	const reasons = Object.entries(ledger.lost_by).map(
		([why, count]) => `${why} ${number(count.frames)}`,
	);
	return reasons.length ? `lost, and counted: ${reasons.join(', ')}` : 'nothing was lost';
}

function balances(ledger) {
	const { seen, filtered, sampled_out, rate_limited, delivered, lost } = ledger;
	return ['frames', 'bytes'].every((unit) => {
		const out = [filtered, sampled_out, rate_limited, delivered, lost];
		return seen[unit] === out.reduce((sum, count) => sum + count[unit], 0);
	});
}

async function showLedger(title, { ledger, taps }) {
	const { ledgerTable } = await import('../dist/cli/print.js');
	say(colors.bold(title));
	say(ledgerTable(ledger, taps));
	say(`${lossText(ledger)}\n`);
}

function tsharkLines(path) {
	if (!has('tshark')) return null;
	const args = ['-n', '-r', path, '-c', String(FRAMES_SHOWN)];
	const env = { ...process.env, LC_ALL: 'C.UTF-8' };
	return execFileSync('tshark', args, { encoding: 'utf8', stdio: 'pipe', env })
		.trimEnd()
		.split('\n');
}

function ownLines(packets) {
	return packets.slice(0, FRAMES_SHOWN).map((packet, i) => {
		const seconds = Number(packet.timeNs - packets[0].timeNs) / 1e9;
		const start = `${String(i + 1).padStart(3)} ${seconds.toFixed(9)}`;
		return `${start}  ${packet.direction.padEnd(3)}  ${String(packet.length).padStart(5)} B  ${describe(packet.bytes)}`;
	});
}

function showFile(path, ledger) {
	const file = readPcapng(readFileSync(path));
	const tshark = tsharkLines(path);
	const reader = tshark
		? `tshark -n -r ${path}`
		: "the demo's own decoder (tshark is not installed)";
	say(`The first frames, as read by ${reader}:\n`);
	for (const line of tshark ?? ownLines(file.packets)) say(cut(line));
	const large = file.packets.filter((packet) => packet.isSuperFrame).length;
	say(
		`\n${number(file.packets.length)} records, ${number(large)} of them super-frames: a capture keeps them as the host handled them.`,
	);
	const inOrder = file.packets.every(
		(packet, i) => i === 0 || packet.timeNs >= file.packets[i - 1].timeNs,
	);
	check(inOrder, 'the records are in order of time, whichever CPU they come from');
	const written = file.statistics.reduce((sum, one) => sum + one.delivered, 0);
	check(
		written === ledger.delivered.frames,
		`the statistics inside the file say ${number(written)} frames, as the ledger does`,
		`the file's statistics say ${number(written)} frames, the ledger ${number(ledger.delivered.frames)}`,
	);
}

/** The same traffic once more, to a collector on another host. */
async function overTheNetwork(hosts) {
	const before = received(hosts.ids, 'eth0');
	const mirror = await session(hosts.host, 'mirror', 'eth0', '--to', TUNNEL);
	say(`$ xspan mirror eth0 --to '${TUNNEL}'`);
	const traffic = await startTraffic(hosts);
	await traffic.finish();
	await sleep(SETTLE_MS);
	const mirrored = await mirror.stop();
	await showLedger('mirror to ERSPAN, type III', mirrored);
	const { delivered, truncated } = mirrored.ledger;
	check(balances(mirrored.ledger), 'the ledger balances through the tunnel', 'it does not balance');
	const arrived = received(hosts.ids, 'eth0') - before;
	check(
		arrived >= delivered.frames && arrived - delivered.frames < 10,
		`${number(delivered.frames)} copies left, ${number(arrived)} frames arrived (ARP among them): no super-frames, no fragments`,
		`${number(delivered.frames)} copies left, but ${number(arrived)} frames arrived`,
	);
	check(truncated.frames === 0, 'none was cut: the MTU on the way is large enough');
}

function showPromiscuity(before, during, after) {
	say(`${'INTERFACE'.padEnd(14)}BEFORE  DURING  AFTER`);
	for (const [name, { promiscuity }] of before) {
		const cells = [promiscuity, during.get(name)?.promiscuity, after.get(name)?.promiscuity];
		say(
			`${name.padEnd(14)}${cells.map((cell, i) => String(cell).padStart(i === 2 ? 5 : 6)).join('  ')}`,
		);
	}
	const all = [before, during, after].flatMap((photo) => [...photo.values()]);
	check(
		all.every(({ promiscuity }) => promiscuity === 0),
		'promiscuity is 0 on every interface, before, during and after (IFLA_PROMISCUITY)',
		'an interface was promiscuous',
	);
	const same = [...before].every(
		([name, { rest }]) => during.get(name)?.rest === rest && after.get(name)?.rest === rest,
	);
	check(same, 'flags and MTU of every interface are what they were');
}

function programsOn(host) {
	const output = execFileSync(
		'nsenter',
		[host.enter, process.execPath, XSPAN, 'doctor', 'eth0', '--json'],
		{
			encoding: 'utf8',
		},
	);
	return JSON.parse(output).filter(({ check: name }) => /^tcx (rx|tx)$/.test(name));
}

async function demo(directory) {
	const path = join(directory, 'demo.pcapng');
	console.log(colors.bold('xspan: one interface mirrored and captured, every frame accounted for'));

	preconditions();

	step('Three hosts, in network namespaces of their own');
	const hosts = await build();
	const { host, ids } = hosts;
	const all = [hosts.client, host, ids];
	say(`
client                monitored host                               ids
${CLIENT}              ${HOST}

eth0 ================ eth0 --+-- xspan mirror ---> span0 ======== eth0
                             |                                     ${has('tcpdump') ? 'tcpdump counts' : 'frames are counted'}
                             +-- xspan capture --> demo.pcapng`);
	const before = photograph(all);

	step("Two sessions on the host's eth0, what it receives and what it sends");
	const count = await counter(ids);
	const mirror = await session(host, 'mirror', 'eth0', '--to', 'port:span0');
	say('$ xspan mirror eth0 --to port:span0');
	const capture = await session(host, 'capture', 'eth0', '-w', path);
	say(`$ xspan capture eth0 -w ${path}`);

	step('Traffic between client and host: ARP, TCP, UDP');
	const traffic = await startTraffic(hosts);
	await sleep(SETTLE_MS);
	const during = photograph(all);
	const { tcp, udp } = await traffic.finish();
	await sleep(SETTLE_MS);
	check(tcp.intact, `a download of ${number(tcp.bytes)} bytes over TCP arrived intact`);
	check(
		udp.answers === udp.sent,
		`${udp.sent} datagrams over UDP were all answered`,
		`${udp.sent} datagrams over UDP, but ${udp.answers} answers`,
	);

	step('The ledgers');
	const [mirrored, captured] = await Promise.all([mirror.stop(), capture.stop()]);
	await showLedger('mirror to span0', mirrored);
	await showLedger('capture to demo.pcapng', captured);
	check(
		balances(mirrored.ledger) && balances(captured.ledger),
		'both balance: seen = filtered + sampled_out + rate_limited + delivered + lost',
		'a ledger does not balance',
	);
	const [a, b] = [mirrored.ledger.seen.frames, captured.ledger.seen.frames];
	check(
		a === b && a > 0,
		`two sessions on one interface saw the same ${number(a)} frames`,
		`the mirror saw ${number(a)} frames, the capture ${number(b)}`,
	);

	step('An independent count, at the far end of the mirror');
	const arrived = await count.count();
	const { delivered } = mirrored.ledger;
	check(
		arrived === delivered.frames,
		`${count.by} on the ids counted ${number(arrived)} frames, the ledger says ${number(delivered.frames)} delivered`,
		`${count.by} on the ids counted ${number(arrived)} frames, but the ledger says ${number(delivered.frames)} delivered`,
	);
	say(
		colors.dim(
			'      (TCP sends super-frames of up to 64 KiB, and the ledger counts each as the frames it\n      stands for. The demo let span0 carry none, so the ids got those very frames.)',
		),
	);

	step('The file');
	showFile(path, captured.ledger);

	step('The same to a collector over the network: re-segmented, numbered, with direction and time');
	await overTheNetwork(hosts);

	step('No harm done');
	showPromiscuity(before, during, photograph(all));
	check(programsOn(host).length === 0, 'no program is attached to eth0 any more');
	return path;
}

let interrupted = false;
for (const signal of ['SIGINT', 'SIGTERM'])
	process.once(signal, () => {
		interrupted = true;
		void lab.close(); // what the demo waits for ends, and so does the demo
	});

const directory = mkdtempSync(join(tmpdir(), 'xspan-demo-'));
try {
	const path = await demo(directory);
	if (failures.length === 0) {
		const seconds = ((Date.now() - started) / 1000).toFixed(1);
		console.log(`\n${colors.green(`All ${checks} checks passed`)} in ${seconds} s.`);
		console.log(`The capture is ${path}: open it with wireshark, or delete it.`);
	}
} catch (error) {
	failures.push(error.message);
} finally {
	await lab.close();
}
if (interrupted) {
	rmSync(directory, { recursive: true });
	console.error('\nInterrupted: everything that the demo made is gone.');
	process.exitCode = 130;
} else if (failures.length > 0) {
	console.error(`\n${colors.red('The demo failed:')}`);
	for (const failure of failures) console.error(`  - ${failure}`);
	process.exitCode = 1;
}
