/** What `xspan sflow` says of the output of frames that b1, a port of the bridge br0, receives. */
import { ethernet } from './frames.ts';
import { type Host, Lab } from './lab.ts';
import { cable } from './scene.ts';
import { SflowCommand } from './sflow-command.ts';

const ETHERTYPE = 0x88b5; // for experiments (IEEE 802)
const NAMES = ['b1', 'b2', 'b3', 'br0'];
const FORMATS = ['', 'discarded', 'multiple'];

export const MAC = {
	bridge: '02:00:00:00:0b:00',
	unknown: '02:00:00:00:00:99',
	second: '02:00:00:00:00:02',
	/** Behind b2; with VLANs, in one of them behind b3. */
	twice: '02:00:00:00:00:77',
	/** Behind b1 itself. */
	first: '02:00:00:00:00:11',
	group: '03:00:00:00:00:01',
	broadcast: 'ff:ff:ff:ff:ff:ff',
	lldp: '01:80:c2:00:00:0e',
} as const;

export interface BridgedFrame {
	what: string;
	to: string;
	vlan?: number;
	/** An interface, "multiple 0", "discarded 256" or "unknown". */
	output: string;
}

export type Entry = (mac: string, port: string, ...vlan: string[]) => void;

function makeBridge(lab: Lab, host: Host, options: string[]): Host {
	host.ip('link', 'add', 'br0', 'type', 'bridge', ...options);
	const [first] = ['b1', 'b2', 'b3'].map((name) => {
		const neighbour = lab.host(name);
		cable(host, name, neighbour, 'eth0', lab);
		host.ip('link', 'set', name, 'master', 'br0');
		return neighbour;
	});
	host.ip('link', 'set', 'br0', 'address', MAC.bridge, 'up');
	return first as Host;
}

/**
 * @param fill adds entries to the forwarding table
 * @returns the outputs, by what the frames are
 */
export async function bridgedOutputs(
	frames: readonly BridgedFrame[],
	options: string[],
	fill: (host: Host, entry: Entry) => void,
): Promise<Map<string, string>> {
	await using lab = new Lab();
	const host = lab.host('host');
	const neighbour = makeBridge(lab, host, options);
	fill(host, (mac, port, ...vlan) =>
		host.exec('bridge', 'fdb', 'add', mac, 'dev', port, 'master', 'static', ...vlan),
	);
	const args = ['b1', '--direction', 'rx', '--sampling', '1/1', '--polling', '0'];
	const sflow = await SflowCommand.start(lab, host, ...args);
	for (const [number, { to, vlan }] of frames.entries()) {
		const tags = vlan ? [{ id: vlan }] : [];
		const frame = ethernet({ type: ETHERTYPE, tags }, Buffer.alloc(46, number));
		frame.write(to.replaceAll(':', ''), 'hex');
		await neighbour.send('eth0', frame, 1);
	}
	const names = new Map(NAMES.map((name) => [host.ifindex(name), name]));
	const { flows } = await sflow.end();
	const seen = flows.map(({ records, output: { format, value } }): [string, string] => {
		const header = Buffer.from(records['sampled_header']?.['header'] as string, 'hex');
		const port = value === 0 ? 'unknown' : (names.get(value) ?? String(value));
		const what = frames[header.at(-1) as number]?.what ?? 'something else';
		return [what, format ? `${FORMATS[format]} ${value}` : port];
	});
	return new Map(seen);
}
