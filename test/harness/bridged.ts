/** What sFlow says of frames in front of a bridge, beside what the bridge then does with them. */
import { expect } from 'vitest';
import { udpFrame } from './frames.ts';
import { type Host, type Lab, sleep } from './lab.ts';
import type { DecodedFlow } from './sflow.ts';
import { SflowCommand } from './sflow-command.ts';

/** The first UDP port of the test's frames: each is known by its own. */
const FIRST_PORT = 20_000;

/** MAC address of the bridge. */
export const OWN = '02:00:00:00:0b:00';

/** Of one station behind each port. */
export const behind = (port: string): string => `02:00:00:00:99:0${port.at(1)}`;

export interface BridgedFrame {
	what: string;
	/** The port that receives it. */
	at: string;
	/** MAC address. */
	to: string;
	vlan?: number;
	/** An interface, "discarded", "several", "unknown". */
	output: string;
	/** Where it really goes, if that is not the same. */
	really?: string[];
}

export interface Bridged extends BridgedFrame {
	said: string | undefined;
	/** Interfaces: ports that sent it, and the bridge if it was given to the host. */
	went: string[];
}

/** A port with a cable to the other host, whose end is named after it. */
export function bridgePort(lab: Lab, host: Host, far: Host, bridge: string, name: string): void {
	lab.wire(host, name, far, `${name}-far`);
	host.ip('link', 'set', name, 'master', bridge);
}

export function bridge(host: Host, name: string, address: string, ...options: string[]): void {
	host.ip('link', 'add', name, 'type', 'bridge', 'mcast_snooping', '0', ...options);
	host.exec('sh', '-c', `echo 1 > /proc/sys/net/ipv6/conf/${name}/disable_ipv6`);
	host.ip('link', 'set', name, 'address', address, 'up');
}

function caseOf(flow: DecodedFlow): number {
	const frame = Buffer.from(flow.records['sampled_header']?.['header'] as string, 'hex');
	const ip = frame.readUInt16BE(12) === 0x8100 ? 18 : 14;
	return frame.readUInt16BE(ip - 2) === 0x0800 ? frame.readUInt16BE(ip + 22) - FIRST_PORT : -1;
}

function said({ format, value }: DecodedFlow['output'], names: Map<number, string>): string {
	if (format === 1) return value === 256 ? 'discarded' : `discarded ${value}`;
	if (format === 2) return 'several';
	return names.get(value) ?? 'unknown';
}

/** Sends each frame into its port. */
export async function bridgedWays(
	lab: Lab,
	host: Host,
	far: Host,
	interfaces: readonly string[],
	frames: readonly BridgedFrame[],
): Promise<Bridged[]> {
	const names = new Map(interfaces.map((name) => [host.ifindex(name), name]));
	const args = [...interfaces, '--sampling', '1/1', '--polling', '0'];
	const sflow = await SflowCommand.start(lab, host, ...args);
	for (const [i, { at, to, vlan }] of frames.entries()) {
		const tags = vlan === undefined ? [] : [{ id: vlan }];
		const frame = udpFrame(100, { destination: to, port: FIRST_PORT + i, tags });
		await far.sendSelf(`${at}-far`, frame, 1);
	}
	await sleep(300);
	const { flows } = await sflow.end();
	return frames.map((frame, i) => {
		const seen = flows.filter((flow) => caseOf(flow) === i);
		const nameOf = ({ source }: DecodedFlow) => names.get(source.index) as string;
		const entry = seen.find(({ input, source }) => {
			return input.value === source.index && names.get(source.index) === frame.at;
		});
		const left = (flow: DecodedFlow) =>
			flow.output.value === flow.source.index || nameOf(flow).startsWith('br');
		const out = seen.filter((flow) => flow !== entry && left(flow));
		return {
			...frame,
			said: entry && said(entry.output, names),
			went: [...new Set(out.map(nameOf))].sort(),
		};
	});
}

/** What was said is what was expected, and what the bridge did. */
export function expectWay(ways: readonly Bridged[], { what, output, really }: BridgedFrame): void {
	const way = ways.find((each) => each.what === what);
	const went = way?.went ?? [];
	expect(way?.said).toBe(output);
	if (output === 'several') expect(went.length).toBeGreaterThan(1);
	else expect(went).toEqual(really ?? (output === 'discarded' ? [] : [output]));
}
