/**
 * A monitored host whose copies leave through a cable of their own: client c0 -- h0 host u0 -- k0
 * collector. Host and collector have addresses of both families there.
 */
import { join } from 'node:path';
import { expect } from 'vitest';
import { HOST_A, HOST_B } from './frames.ts';
import { type Host, type Lab, type Run, until } from './lab.ts';
import { framesOf, tshark } from './readers.ts';
import { addresses, cable, type Scene } from './scene.ts';

export interface Remote {
	client: Host;
	host: Host;
	collector: Host;
}

export type Family = 4 | 6;
export const FAMILIES: Family[] = [4, 6];

export const UPLINK = { 4: '192.0.2.1', 6: '2001:db8::1' } as const;
export const COLLECTOR = { 4: '192.0.2.9', 6: '2001:db8::9' } as const;
export const UPLINK_MAC = '02:00:00:00:00:1a';
export const COLLECTOR_MAC = '02:00:00:00:00:1b';

const sysctl = (host: Host, path: string, value: number): string =>
	host.exec('sh', '-c', `echo ${value} > /proc/sys/net/${path}`);

/** Gives an interface addresses of both families, which are good at once. */
export function addressed(host: Host, name: string, four: string, six: string): void {
	host.ip('link', 'set', name, 'addrgenmode', 'none');
	sysctl(host, `ipv6/conf/${name}/disable_ipv6`, 0);
	host.ip('address', 'add', `${four}/24`, 'dev', name);
	// Neighbour discovery speaks from the link-local one.
	for (const address of [six, six.replace(/^.*::/, 'fe80::')])
		host.ip('address', 'add', `${address}/64`, 'dev', name, 'nodad');
}

export interface Mtus {
	/** Of the monitored cable. */
	mtu?: number;
	/** Of the way to the collector. */
	uplinkMtu?: number;
}

export function remote(lab: Lab, { mtu = 1500, uplinkMtu = 1500 }: Mtus = {}): Remote {
	const all = {
		client: lab.host('client'),
		host: lab.host('host'),
		collector: lab.host('collector'),
	};
	cable(all.client, 'c0', all.host, 'h0', lab, mtu);
	all.client.ip('link', 'set', 'c0', 'address', HOST_A);
	all.host.ip('link', 'set', 'h0', 'address', HOST_B);
	uplink(all, lab, uplinkMtu);
	return all;
}

/** The cable to the collector, as it is at first and when it has been pulled out and put in again. */
export function uplink({ host, collector }: Remote, lab: Lab, mtu = 1500): void {
	cable(host, 'u0', collector, 'k0', lab, mtu);
	host.ip('link', 'set', 'u0', 'address', UPLINK_MAC);
	collector.ip('link', 'set', 'k0', 'address', COLLECTOR_MAC);
	addressed(host, 'u0', UPLINK[4], UPLINK[6]);
	addressed(collector, 'k0', COLLECTOR[4], COLLECTOR[6]);
}

/** Addresses on the monitored cable, for TCP. */
export const monitoredAddresses = ({ client, host, collector }: Remote): void =>
	addresses({ client, host, ids: collector } as Scene);

/** What the kernels of both ends of the uplink say to each other. RSPAN: see RSPAN_ONLY. */
const NOT_CHATTER = 'not arp and not icmp and not icmp6 and not ip6 proto 0';
/** The kernel takes tags out of frames, so that any filter for another protocol sees the inner one. */
export const RSPAN_ONLY = 'vlan 900';
export const EVERYTHING = '';

/** tcpdump at the collector: what comes in there. */
export class Collector {
	readonly file: string;
	private readonly run: Run;

	private constructor(run: Run, file: string) {
		this.run = run;
		this.file = file;
	}

	/**
	 * What leaves the host, in the order in which it does: a veth that receives takes frames up on several
	 * ways, and may show them in another.
	 */
	static leaving(host: Host, lab: Lab): Promise<Collector> {
		return Collector.start(host, lab, 'u0', NOT_CHATTER, 'out');
	}

	static async start(
		host: Host,
		lab: Lab,
		name = 'k0',
		filter = NOT_CHATTER,
		way: 'in' | 'out' = 'in',
	): Promise<Collector> {
		const file = join(lab.directory(), `${name}.pcap`);
		// In immediate mode each frame takes a slot of the snap length: room for 10,000 frames.
		const buffer = ['-s', '9216', '-B', String(16 * 10_000), '--immediate-mode'];
		const options = ['-Q', way, '-p', '-n', '-U', '-Z', 'root', ...buffer];
		const run = host.spawn('tcpdump', ['-i', name, ...options, '-w', file, filter]);
		await run.says(/listening on/);
		return new Collector(run, file);
	}

	/** What has come so far. */
	frames(): Buffer[] {
		return framesOf(this.file);
	}

	async waits(atLeast: number): Promise<void> {
		await until(
			() => this.frames().length >= atLeast,
			`${atLeast} frames at the collector`,
			15_000,
			() => `there are ${this.frames().length}`,
		);
	}

	/** All frames; no more are taken. */
	async stop(): Promise<Buffer[]> {
		const { stderr } = await this.run.stop();
		expect(stderr, 'tcpdump itself lost nothing').toMatch(/^0 packets dropped by kernel$/m);
		return this.frames();
	}

	/** Waits for so many frames, ends, and returns all of them: there must be no more. */
	async collects(count: number): Promise<Buffer[]> {
		await this.waits(count);
		const frames = await this.stop();
		expect(frames.length, 'frames at the collector').toBe(count);
		return frames;
	}
}

/** All values of a field in a frame, outermost first. */
export type Decoded<Field extends string> = Record<Field, string[]>;

const CHECKS = [
	...['-o', 'ip.check_checksum:TRUE'],
	...['-o', 'tcp.check_checksum:TRUE'],
	...['-o', 'udp.check_checksum:TRUE'],
];

export function decode<Field extends string>(
	file: string,
	fields: readonly Field[],
	...args: string[]
): Decoded<Field>[] {
	return tshark(file, fields, ...CHECKS, ...args).map(
		(row) =>
			Object.fromEntries(
				fields.map((field, i) => [field, (row[i] ?? '').split(',').filter(Boolean)]),
			) as Decoded<Field>,
	);
}

/** Bytes in front of a copied frame. */
const ETHERNET = 14;
const IP = { 4: 20, 6: 40 } as const;
const UDP = 8;

export interface Format {
	what: string;
	/** The destination's text. */
	to: (address: string) => string;
	/** Behind the outer IP header. */
	bytes: number;
	isUdp: boolean;
	/** tshark's name of the protocol. */
	protocol: string;
}

const format = (
	what: string,
	scheme: string,
	query: string,
	bytes: number,
	protocol = scheme,
): Format => ({
	what,
	to: (address) => `${scheme}://${address.includes(':') ? `[${address}]` : address}${query}`,
	bytes,
	isUdp: protocol === 'vxlan' || protocol === 'geneve',
	protocol,
});

export const FORMATS = {
	gre: format('GRE', 'gre', '', 4),
	greKey: format('GRE with key', 'gre', '?key=4000000007', 8),
	greAll: format('GRE with key and sequence', 'gre', '?key=7&seq=1', 12),
	erspan1: format('ERSPAN I', 'erspan', '?version=1', 4),
	erspan2: format('ERSPAN II', 'erspan', '?session=1023&index=1048575&cos=3', 16),
	erspan3: format('ERSPAN III', 'erspan', '?session=10&version=3&hwid=63&cos=2', 20),
	erspan3fine: format('ERSPAN III, 100 ns', 'erspan', '?session=1&version=3&granularity=100ns', 20),
	vxlan: format('VXLAN', 'vxlan', '?vni=16777215', UDP + 8),
	geneve: format('GENEVE', 'geneve', '?vni=42', UDP + 8),
	geneveMeta: format('GENEVE with metadata', 'geneve', '?vni=1&meta=1&session=4097', UDP + 36),
} satisfies Record<string, Format>;

export const overhead = (each: Format, family: Family): number =>
	ETHERNET + IP[family] + each.bytes;

/** The destination of a format at the collector. */
export const destination = (each: Format, family: Family): string => each.to(COLLECTOR[family]);

/** The copied frame inside of what the collector got. */
export const inner = (frame: Buffer, each: Format, family: Family): string =>
	frame.subarray(overhead(each, family)).toString('hex');

/** Sends frames of all kinds, each once and in this order, as the host itself would. */
export async function sendAll(host: Host, name: string, frames: Buffer[]): Promise<void> {
	const program = 'test/harness/programs/raw-send-all.py';
	const all = frames.map((frame) => frame.toString('hex'));
	const { code, stderr } = await host.spawn('python3', [program, name, ...all]).finished;
	expect(code, stderr).toBe(0);
}
