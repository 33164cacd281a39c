/**
 * Mirror ports that nothing is cloned into: frames are put through their program with
 * BPF_PROG_TEST_RUN, in a namespace with an uplink, and what it makes of them is looked at.
 */
import type { PortLedger } from '../../src/ledger.ts';
import type { Destination } from '../../src/spec/destination.ts';
import { type Host, type Lab, type Run, until } from './lab.ts';

export const UPLINK_MAC = '02:00:00:00:00:01';
export const COLLECTOR_MAC = '02:00:00:00:00:09';

export const ADDRESSES = {
	4: { uplink: '192.0.2.1', other: '192.0.2.7', collector: '192.0.2.9' },
	6: { uplink: '2001:db8::1', other: '2001:db8::7', collector: '2001:db8::9' },
} as const;

/** Reached through the collector, by routes with an MTU of their own: the kernel may learn another. */
export const BEHIND = {
	mtu: 1400,
	addresses: { locked: '198.51.100.8', unlocked: '198.51.100.9' },
} as const;

export type Way = 'rx' | 'tx';

export interface PortRun {
	/** XDP_PASS: 2, on to the uplink; XDP_DROP: 1. */
	verdict: number;
	bytes: Buffer;
	/** What the program tells the next one. */
	uplink?: number;
	length?: number;
}

export interface PortRuns {
	runs: PortRun[];
	ledger: PortLedger;
	/** Of the next copy. */
	sequence: number;
	/** Wall-clock time before the first frame and after the last, ms. */
	from: number;
	to: number;
}

export interface PortSpec {
	to: Destination;
	/** s0 (MTU 1500, the default) or s9 (MTU 9000). */
	source?: string;
	direction?: Way | 'both';
	snaplen?: number;
}

interface Answer extends Omit<PortRuns, 'runs'> {
	runs: (Omit<PortRun, 'bytes'> & { hex: string })[];
	error?: string;
}

/** More: what `ip address add` takes. Without the second in which nobody else may have the address. */
function addAddress(host: Host, name: string, address: string, ...more: string[]): void {
	const isFour = address.includes('.');
	const length = isFour ? '24' : '64';
	const options = isFour ? [] : ['nodad', ...more];
	host.ip('address', 'add', `${address}/${length}`, 'dev', name, ...options);
}

function useIpv6(host: Host, name: string): void {
	for (const setting of ['accept_dad', 'disable_ipv6'])
		host.exec('sh', '-c', `echo 0 > /proc/sys/net/ipv6/conf/${name}/${setting}`);
}

/** The host whose frames are mirrored, through u0 to a collector that answers ARP and ND. */
function portScene(lab: Lab): Host {
	const host = lab.host('host');
	const collector = lab.host('collector');
	lab.wire(host, 'u0', collector, 'c0', 65_535);
	lab.wire(host, 's0', collector, 's1');
	lab.wire(host, 's9', collector, 's8', 9000);
	host.ip('link', 'set', 'u0', 'address', UPLINK_MAC);
	collector.ip('link', 'set', 'c0', 'address', COLLECTOR_MAC);
	useIpv6(host, 'u0');
	useIpv6(collector, 'c0');
	for (const { uplink, other, collector: its } of Object.values(ADDRESSES)) {
		addAddress(host, 'u0', uplink);
		addAddress(host, 'u0', other, 'preferred_lft', '0'); // never chosen by itself
		addAddress(collector, 'c0', its);
	}
	const { locked, unlocked } = BEHIND.addresses;
	const via = (address: string) => ['route', 'add', address, 'via', ADDRESSES[4].collector];
	host.ip(...via(locked), 'mtu', 'lock', String(BEHIND.mtu));
	host.ip(...via(unlocked), 'mtu', String(BEHIND.mtu));
	return host;
}

export class LoadedPorts {
	readonly host: Host;
	readonly uplink: number;
	private readonly process: Run;
	private answered = 0;

	private constructor(host: Host) {
		this.host = host;
		this.uplink = host.ifindex('u0');
		this.process = host.program('encapsulate.mjs');
	}

	static async start(lab: Lab): Promise<LoadedPorts> {
		const ports = new LoadedPorts(portScene(lab));
		await ports.process.says(/ready\n/, 60_000);
		return ports;
	}

	/** Makes a mirror port and puts frames through it; each was received unless it says otherwise. */
	async run(
		{ source = 's0', direction = 'rx', ...spec }: PortSpec,
		frames: readonly (Buffer | { frame: Buffer; way: Way })[],
	): Promise<PortRuns> {
		const rows = frames.map((each) =>
			Buffer.isBuffer(each)
				? { hex: each.toString('hex'), direction: 'rx' }
				: { hex: each.frame.toString('hex'), direction: each.way },
		);
		const request = { spec: { ...spec, sources: [source], direction }, frames: rows };
		this.process.child.stdin?.write(`${JSON.stringify(request)}\n`);
		const { error, runs, ...answer } = JSON.parse(await this.nextLine()) as Answer;
		if (error) throw new Error(error);
		return {
			...answer,
			runs: runs.map(({ hex, ...run }) => ({ ...run, bytes: Buffer.from(hex, 'hex') })),
		};
	}

	private async nextLine(): Promise<string> {
		const number = ++this.answered;
		const lines = () => this.process.stdout.split('\n');
		await until(
			() => lines().length > number + 1,
			'the answer',
			120_000,
			() => this.process.stderr,
		);
		return lines()[number] as string;
	}
}
