/** Small files of /proc and /sys. */
import { readFileSync } from 'node:fs';

/** A file's text, or nothing: it may not exist on this kernel, or have gone with its device. */
export function textOf(path: string): string | undefined {
	try {
		return readFileSync(path, 'utf8').trim();
	} catch {
		return undefined;
	}
}

/** The numbers of lines such as "pgpgin 5" or "MemTotal:  5 kB", by their names. */
export function parseNamed(text: string): Map<string, number> {
	const rows = text.matchAll(/^([^\s:]+):?\s+(\d+)\b/gm);
	return new Map([...rows].map(([, name, value]) => [name as string, Number(value)]));
}
