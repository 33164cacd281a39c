import { describe, expect, test } from 'vitest';
import { parseDestination } from '../../../src/spec/destination.ts';
import { type CaptureSpec, checkCapture, checkCommon } from '../../../src/spec/spec.ts';
import { codeOf } from '../../harness/errors.ts';

test('a port destination', () => {
	expect(parseDestination('port:ids0')).toEqual({ type: 'port', interface: 'ids0' });
});

test.each([
	'',
	'ids0',
	'port:',
	'port:a/b',
	'port:a b',
	'port:sixteen-chars-xx',
	'erspan://1.2.3.4',
	'erspan://1.2.3.4?session=0',
	'teleport:eth0',
])('destination "%s" is refused', (text) =>
	expect(codeOf(() => parseDestination(text))).toBe('bad_destination'),
);

const capture = (more: Partial<CaptureSpec>): CaptureSpec => ({ sources: ['eth0'], ...more });
const file = { path: 'x.pcapng' };

describe('what contradicts itself is refused', () => {
	test.each<[string, CaptureSpec]>([
		['no_source', capture({ sources: [] })],
		['bad_value', capture({ snaplen: 63 })],
		['bad_value', capture({ snaplen: 262_145 })],
		['bad_value', capture({ snaplen: 100.5 })],
		['bad_value', capture({ count: 0 })],
		['bad_value', capture({ durationMs: -5 })],
		['bad_value', capture({ bufferBytes: 100 })],
		['bad_value', capture({ sample: { mode: 'random', rate: 0 } })],
		['bad_value', capture({ sample: '1/10' as never })],
		['bad_value', capture({ sample: { mode: 'foo' as never, rate: 5 } })],
		['bad_value', capture({ sample: { mode: 'random' } as never })],
		['bad_value', capture({ limit: { unit: 'pps' as never, perSecond: 5 } })],
		['bad_value', capture({ limit: { unit: 'frames', perSecond: 0.5 } })],
		['bad_value', capture({ limit: { unit: 'bits', perSecond: 100 } })],
		['xdp_is_receive_only', capture({ hook: 'xdp', direction: 'tx' })],
		['files_without_rotation', capture({ write: { ...file, files: 3 } })],
		['cannot_rotate_stdout', capture({ write: { path: '-', fileBytes: 1_000_000 } })],
		['bad_value', capture({ write: { ...file, fileBytes: 10 } })],
	])('%s', (code, spec) => expect(codeOf(() => checkCapture(spec))).toBe(code));
});

test('what is fine passes', () => {
	expect(() => checkCommon({ sources: ['eth0'] })).not.toThrow();
	expect(() =>
		checkCapture(capture({ snaplen: 64, write: { ...file, fileBytes: 1_000_000, files: 2 } })),
	).not.toThrow();
});
