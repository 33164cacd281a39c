import { expect, test } from 'vitest';
import { canonicalIp, matcherOf, parseSource } from '../../../src/topology/expression.ts';
import { codeOf } from '../../harness/errors.ts';

test.each([
	['eth0', { type: 'interface', pattern: 'eth0' }],
	['veth*', { type: 'interface', pattern: 'veth*' }],
	['container:web', { type: 'container', container: 'web', pattern: null }],
	['container:web/eth*', { type: 'container', container: 'web', pattern: 'eth*' }],
	['pid:4242', { type: 'pid', pid: 4242, pattern: null }],
	['pid:4242/eth0', { type: 'pid', pid: 4242, pattern: 'eth0' }],
	['netns:blue/eth0', { type: 'netns', name: 'blue', pattern: 'eth0' }],
	['bridge:br0', { type: 'bridge', name: 'br0' }],
	['mac:02-42-AC-11-00-02', { type: 'mac', address: '02:42:ac:11:00:02' }],
	['ip:10.88.1.2', { type: 'ip', address: '10.88.1.2' }],
	['ip:2001:DB8:0::1', { type: 'ip', address: '2001:db8::1' }],
])('%s', (text, expected) => {
	expect(parseSource(text)).toEqual(expected);
});

test.each([
	'',
	'eth0/1',
	'two words',
	'container:',
	'container:web/',
	'pid:web',
	'pid:0',
	'pid:',
	'netns:/eth0',
	'bridge:',
	'mac:02:42',
	'ip:10.88.1',
	'ip:example.com',
	'vm:web',
	':x',
])('"%s" is refused', (text) => {
	expect(codeOf(() => parseSource(text))).toBe('bad_source');
});

test('wildcards are those of a shell, all else is literal', () => {
	expect(matcherOf('veth*')('veth12')).toBe(true);
	expect(matcherOf('veth*')('br-veth1')).toBe(false);
	expect(matcherOf('eth?')('eth10')).toBe(false);
	expect(matcherOf('eth0.10')('eth0x10')).toBe(false);
	expect(matcherOf('a+(b)|c[d]')('a+(b)|c[d]')).toBe(true);
});

test('an address has one spelling', () => {
	expect(canonicalIp('fe80:0:0::1%eth0')).toBe('fe80::1');
	expect(canonicalIp('300.1.1.1')).toBeNull();
});
