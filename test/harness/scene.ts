/** The set of most tests: client c0 -- h0 host m0 -- i0 ids. The host is monitored, ids listens. */
import { HOST_A, HOST_B } from './frames.ts';
import type { Host, Lab } from './lab.ts';

export interface Scene {
	client: Host;
	host: Host;
	ids: Host;
}

export const CLIENT_IP = '10.8.0.1';
export const HOST_IP = '10.8.0.2';

/** Two hosts on a cable that takes frames of the traffic source in both directions. */
export function cable(a: Host, nameA: string, b: Host, nameB: string, lab: Lab, mtu = 1500): void {
	lab.wire(a, nameA, b, nameB, mtu);
	// A veth without NAPI drops the frames that Host.send() redirects to it.
	a.exec('ethtool', '-K', nameA, 'gro', 'on');
	b.exec('ethtool', '-K', nameB, 'gro', 'on');
}

export function scene(lab: Lab, mtu = 1500): Scene {
	const all = { client: lab.host('client'), host: lab.host('host'), ids: lab.host('ids') };
	cable(all.client, 'c0', all.host, 'h0', lab, mtu);
	lab.wire(all.host, 'm0', all.ids, 'i0', mtu);
	all.client.ip('link', 'set', 'c0', 'address', HOST_A);
	all.host.ip('link', 'set', 'h0', 'address', HOST_B);
	return all;
}

/** Gives client and host addresses, and each the other's, so that no ARP is needed. */
export function addresses({ client, host }: Scene): void {
	client.ip('address', 'add', `${CLIENT_IP}/24`, 'dev', 'c0');
	host.ip('address', 'add', `${HOST_IP}/24`, 'dev', 'h0');
	client.ip('neigh', 'add', HOST_IP, 'lladdr', HOST_B, 'dev', 'c0', 'nud', 'permanent');
	host.ip('neigh', 'add', CLIENT_IP, 'lladdr', HOST_A, 'dev', 'h0', 'nud', 'permanent');
}
