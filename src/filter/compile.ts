/** pcap-filter text to classic BPF, by libpcap; its message with the place in the text. */
import { XspanError } from '../errors.ts';
import { type LinkType, native } from '../native.ts';
import type { ClassicInstruction } from './cbpf.ts';

/** Ways in which the beginning of a right expression may go on. */
const COMPLETIONS = [
	'',
	' 1',
	' ip',
	' host 1.2.3.4',
	' 1.2.3.4',
	' = 1',
	'] = 1',
	' 1] = 1',
	':1] = 1',
	' 02:00:00:00:00:01',
	' 1-2',
	' & 1 = 1',
	' and ip',
];

function compiles(text: string, link: LinkType): boolean {
	try {
		native.compileFilter(text, link);
		return true;
	} catch {
		return false;
	}
}

/** Whether something right begins like this. Names of hosts are not looked up here. */
function isBeginning(text: string, link: LinkType): boolean {
	const open = text.split('(').length - text.split(')').length;
	const close = ')'.repeat(Math.max(open, 0));
	return COMPLETIONS.some((more) => compiles(text + more + close, link));
}

/** Where the first word begins with which the text cannot go on; null when that cannot be told. */
function placeOfError(text: string, link: LinkType): number | null {
	const words = [...text.matchAll(/[a-z0-9_.:/-]+|[^\sa-z0-9_.:/-]+/gi)];
	for (const word of words) {
		const end = word.index + word[0].length;
		if (!isBeginning(text.slice(0, end), link)) return word.index;
	}
	return words.length ? text.length : null;
}

/** About a thousand hosts. libpcap takes seconds for them, and time grows with the square. */
const LONGEST_TEXT = 20_000;

/** @throws XspanError bad_filter, filter_too_large */
export function compileFilter(text: string, link: LinkType = 'ethernet'): ClassicInstruction[] {
	if (text.length > LONGEST_TEXT)
		throw new XspanError(
			'unsupported',
			'filter_too_large',
			`the filter has ${text.length} characters; ${LONGEST_TEXT} is the most`,
			{
				hint: 'shorten the expression: nets instead of hosts, portranges instead of ports',
			},
		);
	try {
		return native.compileFilter(text, link);
	} catch (cause) {
		const place = placeOfError(text, link);
		const mark = place === null ? '' : `\n  ${text}\n  ${' '.repeat(place)}^`;
		const message = cause instanceof Error ? cause.message : String(cause);
		throw new XspanError('usage', 'bad_filter', `the filter is not valid: ${message}${mark}`, {
			cause,
			hint: 'the language is that of tcpdump: man pcap-filter',
		});
	}
}
