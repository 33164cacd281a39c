/** Tunnels whose packets begin with an IP header, from one host to another over a cable. */
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import type { Host } from './lab.ts';

export interface End {
	host: Host;
	/** Of the cable, and in the tunnel. */
	address: string;
	inside: { 4: string; 6: string };
}

export interface RawKind {
	what: string;
	family: 4 | 6;
	/** Makes t0 at both ends, the first of which is monitored. */
	make(near: End, far: End): void;
}

/** ip link add t0 ... local X remote Y */
const tunnel =
	(...type: string[]) =>
	(near: End, far: End): void => {
		for (const [here, there] of [
			[near, far],
			[far, near],
		] as const) {
			const ends = ['local', here.address, 'remote', there.address];
			here.host.ip('link', 'add', 't0', 'type', ...type, ...ends);
		}
	};

const rawKey = (key: KeyObject, part: 'd' | 'x'): string =>
	Buffer.from(key.export({ format: 'jwk' })[part] as string, 'base64url').toString('hex');

const PORT = '51820';

function wireguard(near: End, far: End): void {
	const ends = [near, far].map((end) => ({ ...end, ...generateKeyPairSync('x25519') }));
	const [a, b] = ends as [(typeof ends)[0], (typeof ends)[0]];
	for (const [here, there] of [
		[a, b],
		[b, a],
	] as const) {
		here.host.ip('link', 'add', 't0', 'type', 'wireguard');
		const own = ['t0', rawKey(here.privateKey, 'd'), PORT];
		const peer = [rawKey(there.publicKey, 'x'), there.address, PORT];
		here.host.exec('python3', 'test/harness/programs/wireguard.py', ...own, ...peer);
	}
}

export const RAW_KINDS: RawKind[] = [
	{ what: 'ipip', family: 4, make: tunnel('ipip') },
	{ what: 'sit', family: 6, make: tunnel('sit') },
	{ what: 'gre', family: 6, make: tunnel('gre') },
	{ what: 'wireguard', family: 4, make: wireguard },
	{ what: 'wireguard', family: 6, make: wireguard },
];
