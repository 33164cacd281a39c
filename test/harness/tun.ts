/** TUN interfaces for tests: what passes them begins with an IP header. */
import { udp6Frame, udpFrame } from './frames.ts';
import type { Host, Run } from './lab.ts';

const ETHERNET_LEN = 14;

/** IPv4 and UDP, of 86 bytes unless another length is given. */
export const packet = (port: number, length = 86): Buffer =>
	udpFrame(ETHERNET_LEN + length, { port }).subarray(ETHERNET_LEN);

/** IPv6 and UDP. */
export const packet6 = (): Buffer => udp6Frame().subarray(ETHERNET_LEN);

export const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

export interface Tun {
	/** It prints, in hexadecimal, what the host sends. */
	run: Run;
	/** The host receives it. */
	write(bytes: Uint8Array): void;
}

/** Up, and without what IPv6 would say by itself. */
export async function tun(host: Host, name = 'tun0', mtu = 1500): Promise<Tun> {
	const run = host.spawn('python3', ['test/harness/programs/tun.py', name]);
	await run.says(/ready/);
	host.exec('sh', '-c', `echo 1 > /proc/sys/net/ipv6/conf/${name}/disable_ipv6`);
	host.ip('link', 'set', name, 'mtu', String(mtu), 'up');
	return { run, write: (bytes) => run.child.stdin?.write(`${hex(bytes)}\n`) };
}
