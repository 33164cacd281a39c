import { describe, expect, test } from 'vitest';
import { XspanError } from '../../../src/errors.ts';
import {
	type Destination,
	parseDestination,
	withTunnelOptions,
} from '../../../src/spec/destination.ts';
import { checkDestination } from '../../../src/spec/destination-check.ts';

/** The error of a call, and nothing else. */
function errorOf(call: () => unknown): XspanError {
	try {
		call();
	} catch (error) {
		expect(error).toBeInstanceOf(XspanError);
		return error as XspanError;
	}
	throw new Error('nothing was thrown');
}

const address = '192.0.2.9';

describe('text', () => {
	test.each<[string, Destination]>([
		['port:ids0', { type: 'port', interface: 'ids0' }],
		['port:eth0.5@x', { type: 'port', interface: 'eth0.5@x' }],
		['rspan:trunk0?vlan=900', { type: 'rspan', interface: 'trunk0', vlan: 900 }],
		['rspan:t?priority=7&vlan=0x384', { type: 'rspan', interface: 't', vlan: 900, priority: 7 }],
		['gre://192.0.2.9', { type: 'gre', address }],
		['gre://192.0.2.9/', { type: 'gre', address }],
		['gre://192.0.2.9?key=0', { type: 'gre', address, key: 0 }],
		[
			'gre://192.0.2.9?key=4294967295&seq=1',
			{ type: 'gre', address, key: 2 ** 32 - 1, sequence: true },
		],
		['gre://192.0.2.9?seq=0', { type: 'gre', address, sequence: false }],
		['erspan://192.0.2.9?version=1', { type: 'erspan', version: 1, address }],
		['erspan://192.0.2.9?session=10', { type: 'erspan', version: 2, address, session: 10 }],
		[
			'erspan://192.0.2.9?session=1023&version=2&index=1048575&cos=7',
			{ type: 'erspan', version: 2, address, session: 1023, index: 1_048_575, cos: 7 },
		],
		[
			'erspan://[2001:db8::9]?session=1&version=3&hwid=63&granularity=100ns&cos=0',
			{
				type: 'erspan',
				version: 3,
				address: '2001:db8::9',
				session: 1,
				hwid: 63,
				granularity: '100ns',
				cos: 0,
			},
		],
		['vxlan://192.0.2.9?vni=0', { type: 'vxlan', address, vni: 0 }],
		[
			'vxlan://192.0.2.9?vni=16777215&port=8472&symmetric=1',
			{ type: 'vxlan', address, vni: 16_777_215, port: 8472, symmetric: true },
		],
		[
			'geneve://[2001:db8::9]/?vni=42&meta=1&session=65535',
			{ type: 'geneve', address: '2001:db8::9', vni: 42, meta: true, session: 65_535 },
		],
	])('%s', (text, destination) => {
		expect(parseDestination(text)).toEqual(destination);
		expect(() => checkDestination(destination)).not.toThrow();
	});

	/** Text, what the message says, what the hint says. */
	test.each<[string, RegExp, RegExp]>([
		['', /not understood/, /destinations look like port:ids0, .*geneve:/],
		['ids0', /not understood/, /port:ids0/],
		['teleport:eth0', /unknown type "teleport"/, /port:ids0/],
		['constructor://192.0.2.9', /unknown type "constructor"/, /port:ids0/],
		['GRE://192.0.2.9', /not understood/, /gre:/],
		['port:', /an interface is expected/, /port:ids0/],
		['port:ids0?vlan=5', /unknown parameter "vlan"/, /it has no parameters/],
		['port:sixteen-chars-xx', /an interface is expected/, /port:ids0/],
		['rspan:?vlan=900', /an interface is expected/, /rspan:trunk0\?vlan=900/],
		['rspan:trunk0', /vlan is missing/, /\?vlan=, a number from 1 to 4094/],
		['rspan:trunk0?vlan=0', /vlan "0" is not valid/, /1 to 4094/],
		['rspan:trunk0?vlan=4095', /vlan "4095" is not valid/, /1 to 4094/],
		['rspan:trunk0?vlan=9&priority=8', /priority "8" is not valid/, /0 to 7/],
		['rspan:trunk0?vlan=9&vni=8', /unknown parameter "vni"/, /vlan, priority/],
		['rspan:trunk0?vlan=9?priority=3', /./, /./],
		['gre:192.0.2.9', /an address is expected/, /gre:\/\/192\.0\.2\.9/],
		['gre://', /an address is expected/, /gre:\/\/\[2001:db8::9\]/],
		['gre://2001:db8::9', /an address is expected/, /gre:\/\/\[2001:db8::9\]/],
		['gre://192.0.2.9:47', /a port does not go behind the address/, /\?port=47/],
		['gre://collector.example', /"collector\.example" is not an IP/, /192\.0\.2\.9/],
		['gre://[fe80::1%eth0]', /"fe80::1%eth0" is not an IP/, /192\.0\.2\.9/],
		['gre://192.0.2.256', /not an IP address/, /192\.0\.2\.9/],
		['gre://239.1.1.1', /not the address of one host/, /unicast/],
		['gre://255.255.255.255', /not the address of one host/, /unicast/],
		['gre://[ff02::1]', /not the address of one host/, /unicast/],
		['gre://0.0.0.0', /not the address of one host/, /unicast/],
		['gre://[::]', /not the address of one host/, /unicast/],
		['gre://192.0.2.9?key=4294967296', /key "4294967296"/, /0 to 4294967295/],
		['gre://192.0.2.9?key=-1', /key "-1"/, /0 to 4294967295/],
		['gre://192.0.2.9?key=1.5', /key "1\.5"/, /0 to 4294967295/],
		['gre://192.0.2.9?key=1e3', /key "1e3"/, /0 to 4294967295/],
		['gre://192.0.2.9?key=', /key "" is not valid/, /0 to 4294967295/],
		['gre://192.0.2.9?seq=yes', /seq "yes"/, /0 or 1/],
		['gre://192.0.2.9?key=1&key=2', /key/, /./],
		['gre://192.0.2.9?session=1', /unknown parameter "session"/, /key, seq/],
		['erspan://192.0.2.9', /session is missing/, /\?session=, a number from 1 to 1023/],
		['erspan://192.0.2.9?session=0', /session "0"/, /1 to 1023/],
		['erspan://192.0.2.9?session=1024', /session "1024"/, /1 to 1023/],
		['erspan://192.0.2.9?version=4&session=1', /version "4"/, /1 or 2 or 3/],
		['erspan://192.0.2.9?version=1&session=1', /unknown parameter "session"/, /version/],
		['erspan://192.0.2.9?session=1&index=1048576', /index/, /0 to 1048575/],
		['erspan://192.0.2.9?session=1&hwid=1', /unknown parameter "hwid"/, /index/],
		['erspan://192.0.2.9?session=1&version=3&index=1', /unknown parameter "index"/, /hwid/],
		['erspan://192.0.2.9?session=1&version=3&hwid=64', /hwid "64"/, /0 to 63/],
		['erspan://192.0.2.9?session=1&version=3&granularity=1s', /granularity/, /100us or 100ns/],
		['erspan://192.0.2.9?session=1&cos=8', /cos "8"/, /0 to 7/],
		['vxlan://192.0.2.9', /vni is missing/, /0 to 16777215/],
		['vxlan://192.0.2.9?vni=16777216', /vni "16777216"/, /0 to 16777215/],
		['vxlan://192.0.2.9?vni=1&port=0', /port "0"/, /1 to 65535/],
		['vxlan://192.0.2.9?vni=1&port=65536', /port "65536"/, /1 to 65535/],
		['vxlan://192.0.2.9?vni=1&meta=1', /unknown parameter "meta"/, /vni, port, symmetric/],
		['geneve://192.0.2.9?vni=1&session=65536', /session "65536"/, /0 to 65535/],
		['geneve://192.0.2.9?vni=1&meta=2', /meta "2"/, /0 or 1/],
	])('"%s" is refused', (text, message, hint) => {
		const error = errorOf(() => parseDestination(text));
		expect(error).toMatchObject({ code: 'bad_destination', kind: 'usage' });
		expect(error.message).toContain(`destination "${text}"`);
		expect(error.message).toMatch(message);
		expect(error.hint).toMatch(hint);
	});
});

/** Programs in JavaScript have no compiler to tell them. */
const written = (destination: unknown): Destination => destination as Destination;

describe('objects', () => {
	test.each<[string, unknown, string, RegExp]>([
		['a VLAN of 0', { type: 'rspan', interface: 't', vlan: 0 }, 'bad_value', /vlan .* 1 to 4094/],
		['a VLAN that is text', { type: 'rspan', interface: 't', vlan: '9' }, 'bad_value', /vlan/],
		['no VLAN', { type: 'rspan', interface: 't' }, 'bad_value', /vlan/],
		['a key of 33 bits', { type: 'gre', address, key: 2 ** 32 }, 'bad_value', /key/],
		['half a key', { type: 'gre', address, key: 1.5 }, 'bad_value', /key/],
		['session 1024', { type: 'erspan', address, session: 1024 }, 'bad_value', /1 to 1023/],
		['no session', { type: 'erspan', address }, 'bad_value', /session/],
		['no session, type III', { type: 'erspan', version: 3, address }, 'bad_value', /session/],
		['hwid 64', { type: 'erspan', version: 3, address, session: 1, hwid: 64 }, 'bad_value', /hwid/],
		[
			'another granularity',
			{ type: 'erspan', version: 3, address, session: 1, granularity: '1s' },
			'bad_value',
			/granularity/,
		],
		['version 4', { type: 'erspan', version: 4, address, session: 1 }, 'bad_value', /version/],
		['a VNI of 25 bits', { type: 'vxlan', address, vni: 2 ** 24 }, 'bad_value', /vni/],
		['no VNI', { type: 'vxlan', address }, 'bad_value', /vni/],
		['no VNI', { type: 'geneve', address }, 'bad_value', /vni/],
		['port 0', { type: 'vxlan', address, vni: 1, port: 0 }, 'bad_value', /port/],
		['session 65536', { type: 'geneve', address, vni: 1, session: 65_536 }, 'bad_value', /65535/],
		['MTU 575', { type: 'gre', address, mtu: 575 }, 'bad_value', /576 to 65535/],
		['MTU 65536', { type: 'gre', address, mtu: 65_536 }, 'bad_value', /576 to 65535/],
		['MTU 0', { type: 'rspan', interface: 't', vlan: 1, mtu: 0 }, 'bad_value', /576/],
		['ttl 0', { type: 'gre', address, ttl: 0 }, 'bad_value', /1 to 255/],
		['ttl 256', { type: 'gre', address, ttl: 256 }, 'bad_value', /1 to 255/],
		['dscp 64', { type: 'gre', address, dscp: 64 }, 'bad_value', /0 to 63/],
		['oversize', { type: 'gre', address, oversize: 'cut' }, 'bad_value', /truncate or drop/],
		['a name', { type: 'gre', address: 'collector' }, 'bad_destination', /192\.0\.2\.9/],
		['no address', { type: 'gre' }, 'bad_value', /address is text/],
		['many hosts', { type: 'gre', address: '224.0.0.1' }, 'bad_destination', /unicast/],
		['an unknown type', { type: 'tzsp', address }, 'bad_destination', /./],
		['a bad source', { type: 'gre', address, sourceAddress: 'me' }, 'bad_source_address', /family/],
		[
			'a source of the other family',
			{ type: 'gre', address, sourceAddress: '2001:db8::1' },
			'bad_source_address',
			/same family/,
		],
		[
			'a source of the other family',
			{ type: 'gre', address: '2001:db8::9', sourceAddress: '192.0.2.1' },
			'bad_source_address',
			/same family/,
		],
	])('%s is refused', (_, destination, code, hint) => {
		const error = errorOf(() => checkDestination(written(destination)));
		expect(error.code).toBe(code);
		expect(error.kind).toBe('usage');
		expect(error.hint).toMatch(hint);
	});

	test.each<[string, Destination]>([
		['a port', { type: 'port', interface: 'x' }],
		['least of all', { type: 'gre', address, key: 0, ttl: 1, dscp: 0, mtu: 576 }],
		[
			'most of all',
			{
				type: 'gre',
				address,
				key: 2 ** 32 - 1,
				ttl: 255,
				dscp: 63,
				mtu: 65_535,
				sourceAddress: '192.0.2.1',
				oversize: 'drop',
			},
		],
		['IPv6', { type: 'gre', address: '2001:db8::9', sourceAddress: '2001:db8::1' }],
	])('%s passes', (_, destination) => {
		expect(() => checkDestination(destination)).not.toThrow();
	});
});

const NOTHING = {
	mtu: undefined,
	oversize: undefined,
	sourceAddress: undefined,
	ttl: undefined,
	dscp: undefined,
};

describe('options beside the text', () => {
	const gre: Destination = { type: 'gre', address };
	const rspan: Destination = { type: 'rspan', interface: 't', vlan: 9 };
	const port: Destination = { type: 'port', interface: 'x' };

	test('none leaves the destination as it is', () => {
		for (const each of [gre, rspan, port]) expect(withTunnelOptions(each, NOTHING)).toEqual(each);
	});

	test('a tunnel takes them all, and the given one is not touched', () => {
		const all = {
			mtu: 1400,
			oversize: 'drop',
			sourceAddress: '192.0.2.1',
			ttl: 9,
			dscp: 8,
		} as const;
		expect(withTunnelOptions(gre, all)).toEqual({ ...gre, ...all });
		expect(gre).toEqual({ type: 'gre', address });
	});

	test('RSPAN takes those of a path', () => {
		const path = { mtu: 1400, oversize: 'truncate' } as const;
		expect(withTunnelOptions(rspan, { ...NOTHING, ...path })).toEqual({ ...rspan, ...path });
	});

	test.each<[Destination, object, string, RegExp]>([
		[
			rspan,
			{ ttl: 9 },
			'--ttl is not for a destination of type rspan',
			/it takes --mtu, --oversize$/,
		],
		[
			rspan,
			{ sourceAddress: '192.0.2.1' },
			'--source-address is not',
			/it takes --mtu, --oversize$/,
		],
		[port, { mtu: 1400 }, '--mtu is not for a destination of type port', /leave the option out/],
		[port, { oversize: 'drop' }, '--oversize is not', /leave the option out/],
		[port, { dscp: 0 }, '--dscp is not', /leave the option out/],
	])('%j has no %j', (destination, given, message, hint) => {
		const error = errorOf(() => withTunnelOptions(destination, { ...NOTHING, ...given }));
		expect(error).toMatchObject({ code: 'option_not_for_destination', kind: 'usage' });
		expect(error.message).toContain(message);
		expect(error.hint).toMatch(hint);
	});
});
