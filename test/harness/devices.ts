/** Kinds of devices that this kernel has. Tests take what there is, except where all of them must be. */
import { execFileSync } from 'node:child_process';
import type { Host, Lab } from './lab.ts';

/** What `ip link add NAME ...` takes. */
const ADD = {
	vlan: ['link', 'x0', 'type', 'vlan', 'id', '5'],
	vxlan: ['type', 'vxlan', 'id', '1', 'dstport', '4789', 'dev', 'x0'],
	geneve: ['type', 'geneve', 'id', '1', 'remote', '192.0.2.9'],
	gretap: ['type', 'gretap', 'key', '1', 'local', '192.0.2.1', 'remote', '192.0.2.9'],
	ip6gretap: ['type', 'ip6gretap', 'local', 'fd00::1', 'remote', 'fd00::9'],
	gre: ['type', 'gre', 'local', '192.0.2.1', 'remote', '192.0.2.9'],
	ip6gre: ['type', 'ip6gre', 'local', 'fd00::1', 'remote', 'fd00::9'],
	ipip: ['type', 'ipip', 'local', '192.0.2.1', 'remote', '192.0.2.9'],
	sit: ['type', 'sit', 'local', '192.0.2.1', 'remote', '192.0.2.9'],
	ip6tnl: ['type', 'ip6tnl', 'local', 'fd00::1', 'remote', 'fd00::9'],
	erspan: [
		...['type', 'erspan', 'seq', 'key', '1', 'local', '192.0.2.1', 'remote', '192.0.2.9'],
		...['erspan_ver', '1', 'erspan', '1'],
	],
	ip6erspan: [
		...['type', 'ip6erspan', 'seq', 'key', '1', 'local', 'fd00::1', 'remote', 'fd00::9'],
		...['erspan_ver', '1', 'erspan', '1'],
	],
} as const;

export type DeviceKind = keyof typeof ADD;

function isThere(host: Host, kind: DeviceKind): boolean {
	try {
		execFileSync('ip', ['-n', host.namespace, 'link', 'add', 'name', kind, ...ADD[kind]], {
			stdio: 'pipe',
		});
		return true;
	} catch (error) {
		if (/Unknown device type|not supported/.test(String(error))) return false;
		throw error;
	}
}

/** With XSPAN_ALL_DEVICES=1 all of them: what is missing then fails its tests. */
export function deviceKinds(lab: Lab): ReadonlySet<DeviceKind> {
	const kinds = Object.keys(ADD) as DeviceKind[];
	if (process.env['XSPAN_ALL_DEVICES'] === '1') return new Set(kinds);
	const [here, there] = [lab.host('here'), lab.host('there')];
	lab.wire(here, 'x0', there, 'x1');
	return new Set(kinds.filter((kind) => isThere(here, kind)));
}
