import { describe, expect, test } from 'vitest';
import { XspanError } from '../../../src/errors.ts';
import { instructionText } from '../../../src/filter/cbpf.ts';
import { compileFilter } from '../../../src/filter/compile.ts';
import { explainFilter } from '../../../src/filter/explain.ts';
import { translate } from '../../../src/filter/translate.ts';
import { codeOf } from '../../harness/errors.ts';

test('classic BPF in the notation of tcpdump -d', () => {
	const text = compileFilter('udp[8:2] = 0x1234').map(instructionText);
	expect(text).toEqual([
		'ldh [12]',
		'jeq #0x800 jt 2 jf 10',
		'ldb [23]',
		'jeq #0x11 jt 4 jf 10',
		'ldh [20]',
		'jset #0x1fff jt 10 jf 6',
		'ldxb 4*([14]&0xf)',
		'ldh [x + 22]',
		'jeq #0x1234 jt 9 jf 10',
		'ret #262144',
		'ret #0',
	]);
});

describe('an error shows its place', () => {
	test.each([
		['tcp port 443 and hots 10.0.0.1', 'hots 10.0.0.1'],
		['tcp port and udp', 'and udp'],
		['ip host 10.0.0.1 or or udp', 'or udp'],
		['tcp[13 & 2 != 0', '!= 0'],
		['udp port 70000', '70000'],
	])('%s', (text, rest) => {
		try {
			compileFilter(text);
			expect.unreachable();
		} catch (error) {
			expect(error).toBeInstanceOf(XspanError);
			const lines = (error as XspanError).message.split('\n');
			expect(lines[1]?.trim()).toBe(text);
			const place = (lines[2] as string).indexOf('^') - 2;
			expect(text.slice(place)).toBe(rest);
		}
	});
});

test('what the kernel cannot run is refused by name', () => {
	expect(codeOf(() => explainFilter('ip6 protochain 6'))).toBe('filter_has_loop');
	const hosts = Array.from({ length: 6000 }, (_, i) => `host 10.${i >> 8}.${i & 255}.1`);
	expect(codeOf(() => explainFilter(hosts.join(' or ')))).toBe('filter_too_large');
});

test('a translation is the same every time, and 8 bytes an instruction', () => {
	const program = compileFilter('tcp port 443');
	const target = { hook: 'tc', direction: 'rx', tap: 3 } as const;
	const once = translate(program, target).encode();
	expect(translate(program, target).encode()).toEqual(once);
	expect(once.length).toBe(8 * translate(program, target).length);
	expect(translate(program, { ...target, hook: 'xdp' }).encode()).not.toEqual(once);
});
