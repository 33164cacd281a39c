/** What becomes of a filter: for people who want to know why it matches, or what it costs. */
import { type ClassicInstruction, instructionText } from './cbpf.ts';
import { compileFilter } from './compile.ts';
import type { FilterHook } from './frame-access.ts';
import { translate } from './translate.ts';

export interface FilterExplanation {
	filter: string;
	/** As libpcap compiled it: classic BPF, in the notation of `tcpdump -d`. */
	classic: string[];
	program: ClassicInstruction[];
	/** What runs in the kernel in front of the tap. */
	kernel: { hook: FilterHook; instructions: number; listing: string[] };
}

/** @throws XspanError bad_filter, filter_too_large */
export function explainFilter(text: string, hook: FilterHook = 'tc'): FilterExplanation {
	const program = compileFilter(text);
	const assembler = translate(program, { hook, direction: 'rx', tap: 0 });
	assembler.encode(); // throws when it is too large
	return {
		filter: text,
		classic: program.map(
			(each, index) => `(${String(index).padStart(3, '0')}) ${instructionText(each, index)}`,
		),
		program,
		kernel: { hook, instructions: assembler.length, listing: assembler.listing() },
	};
}
