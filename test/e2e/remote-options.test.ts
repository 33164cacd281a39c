/** What a user gets wrong in a remote destination: the message says what was expected. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { allHooks } from '../harness/hooks.ts';
import { Lab } from '../harness/lab.ts';
import { type Remote, remote } from '../harness/remote.ts';

interface Row {
	to: string;
	more?: string[];
	says: RegExp[];
}

const rows: Row[] = [
	{ to: 'vxlan://192.0.2.9', says: [/vni is missing/, /0 to 16777215/] },
	{ to: 'geneve://192.0.2.9', says: [/vni is missing/] },
	{ to: 'erspan://192.0.2.9', says: [/session is missing/, /1 to 1023/] },
	{ to: 'erspan://192.0.2.9?version=3', says: [/session is missing/] },
	{ to: 'rspan:u0', says: [/vlan is missing/, /1 to 4094/] },
	...['0', '1024', '-1', 'ten', '1.5', ''].map((session) => ({
		to: `erspan://192.0.2.9?session=${session}`,
		says: [new RegExp(`session "${session}"`), /1 to 1023/],
	})),
	...['0', '4095', '4096'].map((vlan) => ({
		to: `rspan:u0?vlan=${vlan}`,
		says: [/vlan/, /1 to 4094/],
	})),
	{ to: 'vxlan://192.0.2.9?vni=16777216', says: [/vni/, /0 to 16777215/] },
	{ to: 'vxlan://192.0.2.9?vni=1&port=0', says: [/port/, /1 to 65535/] },
	{ to: 'gre://192.0.2.9?key=4294967296', says: [/key/, /0 to 4294967295/] },
	{ to: 'gre://192.0.2.9?seq=yes', says: [/seq/, /0 or 1/] },
	{ to: 'rspan:u0?vlan=900&priority=8', says: [/priority/, /0 to 7/] },
	{ to: 'erspan://192.0.2.9?session=1&version=4', says: [/version/, /1 or 2 or 3/] },
	{ to: 'erspan://192.0.2.9?session=1&index=1048576', says: [/index/, /0 to 1048575/] },
	{ to: 'erspan://192.0.2.9?session=1&version=3&hwid=64', says: [/hwid/, /0 to 63/] },
	{
		to: 'erspan://192.0.2.9?session=1&version=3&granularity=1ns',
		says: [/granularity/, /100us or 100ns/],
	},
	{ to: 'erspan://192.0.2.9?session=1&hwid=3', says: [/unknown parameter "hwid"/, /index/] },
	{ to: 'erspan://192.0.2.9?version=1&session=3', says: [/unknown parameter "session"/] },
	{ to: 'erspan://192.0.2.9?session=1&version=3&index=3', says: [/unknown parameter "index"/] },
	{ to: 'gre://192.0.2.9?vni=3', says: [/unknown parameter "vni"/, /key, seq/] },
	{ to: 'vxlan://192.0.2.9?vni=1&meta=1', says: [/unknown parameter "meta"/] },
	{ to: 'port:u0?vlan=900', says: [/unknown parameter "vlan"/] },
	{ to: 'vxlan://collector?vni=1', says: [/"collector" is not an IP address/] },
	{ to: 'vxlan://192.0.2?vni=1', says: [/not an IP address/] },
	{ to: 'vxlan://192.0.2.9:4789?vni=1', says: [/\?port=4789/] },
	{ to: 'vxlan://[fe80::1%u0]?vni=1', says: [/fe80::1%u0/, /not an IP address/] },
	{ to: 'vxlan://2001:db8::9?vni=1', says: [/vxlan:\/\/\[2001:db8::9\]/] },
	{ to: 'vxlan://192.0.2.9 ?vni=1', says: [/address/] },
	...['224.0.0.1', '255.255.255.255', '0.0.0.0', '[ff02::1]', '[::]'].map((address) => ({
		to: `gre://${address}`,
		says: [/not the address of one host/, /unicast/],
	})),
	{ to: 'tzsp://192.0.2.9', says: [/unknown type "tzsp"/, /geneve/] },
	{ to: 'erspan:192.0.2.9?session=1', says: [/erspan:\/\/192.0.2.9/] },
	...[
		['--ttl', '64'],
		['--dscp', '8'],
		['--source-address', '192.0.2.1'],
		['--mtu', '1400'],
		['--oversize', 'drop'],
	].map((more) => ({ to: 'port:u0', more, says: [/is not for a destination of type port/] })),
	{
		to: 'rspan:u0?vlan=900',
		more: ['--ttl', '3'],
		says: [/--ttl is not for a destination of type rspan/, /--mtu/],
	},
	...['0', '256'].map((ttl) => ({
		to: 'gre://192.0.2.9',
		more: ['--ttl', ttl],
		says: [/ttl/, /1 to 255/],
	})),
	{ to: 'gre://192.0.2.9', more: ['--dscp', '64'], says: [/dscp/, /0 to 63/] },
	...['575', 'big'].map((mtu) => ({
		to: 'gre://192.0.2.9',
		more: ['--mtu', mtu],
		says: [/mtu/, /576 to 65535/],
	})),
	{
		to: 'gre://192.0.2.9',
		more: ['--source-address', '2001:db8::1'],
		says: [/not a source address for 192.0.2.9/, /same family/],
	},
	{ to: 'gre://192.0.2.9', more: ['--source-address', 'u0'], says: [/"u0" is not/] },
	{ to: 'gre://192.0.2.9', more: ['--oversize', 'fragment'], says: [/truncate, drop/] },
	{ to: 'gre://192.0.2.9', more: ['--snaplen', '63'], says: [/snaplen/, /64 to 262144/] },
	{ to: 'gre://192.0.2.9', more: ['--hook', 'xdp'], says: [/XDP/] },
];

let lab: Lab;
let all: Remote;
beforeAll(() => {
	lab = new Lab();
	all = remote(lab);
});
afterAll(async () => lab[Symbol.asyncDispose]());

/** A process each is much for what test/unit/spec/destination.test.ts has, too: every so many rows. */
const PROCESS_EVERY = 4;
const typed = rows.filter(({ more }, i) => more || i % PROCESS_EVERY === 0);

test.each(typed)('$to $more: exit code 2', async ({ to, more = [], says }) => {
	const args = ['mirror', 'h0', '--to', to, ...more, '--duration', '100ms'];
	const { code, stdout, stderr } = await all.host.xspan(...args).finished;
	expect(code, stderr).toBe(2);
	for (const pattern of says) expect(stderr).toMatch(pattern);
	expect(stderr).not.toMatch(/^ {4}at |unexpected/m);
	expect(stdout).toBe('');
});

test('nothing is attached, and no device made, by any of these', () => {
	const { h0, ...others } = allHooks(all.host);
	expect(Object.keys(others)).toEqual(['lo', 'u0']);
	expect(h0).toMatchObject({ rx: [], tx: [], filters: [] });
});

test('an interface that does not exist: exit code 3, and the nearest one is named', async () => {
	const { code, stderr } = await all.host.xspan('mirror', 'h0', '--to', 'rspan:uo?vlan=9').finished;
	expect(code).toBe(3);
	expect(stderr).toMatch(/no interface "uo".*u0/s);
});
