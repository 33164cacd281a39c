import { describe, expect, test } from 'vitest';
import { XspanError } from '../../../src/errors.ts';
import {
	asText,
	checkSflow,
	parseCollector,
	parseMaxSamples,
	parsePolling,
	parseSampling,
	type SflowSpec,
} from '../../../src/sflow/spec.ts';

/** The code of what is thrown; hints are for people and must be there. */
function refusal(run: () => unknown): string {
	try {
		run();
	} catch (error) {
		expect(error).toBeInstanceOf(XspanError);
		expect((error as XspanError).hint).toBeTruthy();
		expect((error as XspanError).exitCode).toBe(2);
		return (error as XspanError).code;
	}
	return 'none';
}

describe('collectors', () => {
	test.each([
		['192.0.2.9', '192.0.2.9', 6343],
		['192.0.2.9:6344', '192.0.2.9', 6344],
		['2001:db8::9', '2001:db8::9', 6343],
		['[2001:db8::9]', '2001:db8::9', 6343],
		['[2001:db8::9]:6344', '2001:db8::9', 6344],
		['collector.example', 'collector.example', 6343],
		['collector.example.:65535', 'collector.example.', 65_535],
		['localhost:1', 'localhost', 1],
	])('%s', (text, host, port) => expect(parseCollector(text)).toEqual({ host, port }));

	test.each([
		'',
		':6343',
		'192.0.2.9:',
		'192.0.2.9:0',
		'192.0.2.9:65536',
		'192.0.2.9:6343:1',
		'192.0.2.256',
		'192.0.2',
		'[192.0.2.9]:6343',
		'[2001:db8::9',
		'2001:db8::9]:6343',
		'[collector]:6343',
		'a b',
		'-a',
		'udp://192.0.2.9',
		`${'a'.repeat(254)}`,
	])('"%s" is refused', (text) =>
		expect(refusal(() => parseCollector(text))).toBe('bad_collector'),
	);

	test('as text and back', () => {
		for (const text of ['192.0.2.9:6343', '[2001:db8::9]:1', 'collector.example:2'])
			expect(asText(parseCollector(text))).toBe(text);
	});
});

test('sampling is random', () => {
	expect(parseSampling('1/1000')).toBe(1000);
	expect(refusal(() => parseSampling('every:1000'))).toBe('bad_value');
	expect(refusal(() => parseSampling('1000'))).toBe('bad_value');
});

test('polling', () => {
	expect(parsePolling('20s')).toBe(20_000);
	expect(parsePolling('0')).toBe(0);
	expect(refusal(() => parsePolling('often'))).toBe('bad_value');
});

test('samples per second', () => {
	expect(parseMaxSamples('5000/s')).toBe(5000);
	expect(parseMaxSamples('5000')).toBe(5000);
	for (const text of ['0', '5000/m', '', '/s', '-1'])
		expect(
			refusal(() => parseMaxSamples(text)),
			text,
		).toBe('bad_value');
});

describe('a spec', () => {
	const collectors = ['192.0.2.9'];

	test('has defaults', () => {
		expect(checkSflow({ collectors })).toEqual({
			collectors: [{ host: '192.0.2.9', port: 6343 }],
			sampling: 1000,
			pollingMs: 20_000,
			headerBytes: 128,
			agent: null,
			subAgent: 0,
			internalPort: 'internal',
			tunnels: false,
			maxSamplesPerSecond: null,
		});
	});

	test('keeps what is said', () => {
		const spec: SflowSpec = {
			collectors: [{ host: '2001:db8::9', port: 1 }, 'localhost'],
			sampling: 1,
			pollingMs: 0,
			headerBytes: 1024,
			agent: '2001:db8::1',
			subAgent: 3,
			internalPort: 'unknown',
			tunnels: true,
			maxSamplesPerSecond: 1,
		};
		expect(checkSflow(spec)).toEqual({
			...spec,
			collectors: [
				{ host: '2001:db8::9', port: 1 },
				{ host: 'localhost', port: 6343 },
			],
		});
	});

	test.each<[string, Partial<SflowSpec>, string]>([
		['no collector', { collectors: [] }, 'no_collector'],
		['one collector twice', { collectors: ['192.0.2.9', '192.0.2.9:6343'] }, 'collector_twice'],
		['a port of 0', { collectors: [{ host: '192.0.2.9', port: 0 }] }, 'bad_collector'],
		['a sampling of 0', { sampling: 0 }, 'bad_value'],
		['half a frame', { sampling: 0.5 }, 'bad_value'],
		['an endless interval', { pollingMs: 2 ** 31 }, 'bad_value'],
		['a header that holds nothing', { headerBytes: 63 }, 'bad_value'],
		['a header that fills the datagram', { headerBytes: 1025 }, 'bad_value'],
		['an agent by name', { agent: 'host.example' }, 'bad_agent_address'],
		['a negative sub-agent', { subAgent: -1 }, 'bad_value'],
		['another internal port', { internalPort: '0' as 'unknown' }, 'bad_value'],
		['no samples at all', { maxSamplesPerSecond: 0 }, 'bad_value'],
	])('with %s is refused', (_, more, code) => {
		expect(refusal(() => checkSflow({ collectors, ...more }))).toBe(code);
	});
});
