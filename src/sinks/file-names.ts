/** The names of a capture's files, as tcpdump's -C, -G and -W make them. */
import { existsSync } from 'node:fs';
import type { PcapngSpec } from '../spec/spec.ts';

const two = (n: number): string => String(n).padStart(2, '0');

/** The strftime conversions that make sense in a file name; local time, as tcpdump's. */
const CONVERSIONS: Record<string, (t: Date) => string> = {
	Y: (t) => String(t.getFullYear()),
	y: (t) => two(t.getFullYear() % 100),
	m: (t) => two(t.getMonth() + 1),
	d: (t) => two(t.getDate()),
	H: (t) => two(t.getHours()),
	M: (t) => two(t.getMinutes()),
	S: (t) => two(t.getSeconds()),
	s: (t) => String(Math.floor(t.getTime() / 1000)),
	F: (t) => `${t.getFullYear()}-${two(t.getMonth() + 1)}-${two(t.getDate())}`,
	T: (t) => `${two(t.getHours())}:${two(t.getMinutes())}:${two(t.getSeconds())}`,
	'%': () => '%',
};

export function formatTime(pattern: string, time: Date): string {
	return pattern.replace(/%(.)/g, (all, letter: string) => CONVERSIONS[letter]?.(time) ?? all);
}

export interface NamedFile {
	path: string;
	/** Written by this session before: it may be overwritten. */
	isOwn: boolean;
}

/**
 * Names one file after the other. With a period, conversions in the path are replaced by the time.
 * Where names would repeat they are numbered: none on the first, then 1, 2, ...; with -C and -W
 * together 0, 1, ... in a circle. Numbers begin again when the time in the name changes.
 */
export class FileNames {
	/** How many files there have been. */
	count = 0;
	private readonly spec: PcapngSpec;
	private readonly own = new Set<string>();
	private base: string | null = null;
	private number = 0;

	constructor(spec: PcapngSpec) {
		this.spec = spec;
	}

	next(time: Date): NamedFile {
		const { spec } = this;
		const base = spec.filePeriodMs === undefined ? spec.path : formatTime(spec.path, time);
		this.number = base === this.base ? this.number + 1 : 0;
		this.base = base;
		this.count++;
		const path = this.ringSize
			? this.ringName(base, this.number % this.ringSize)
			: this.plainName(base);
		const isOwn = this.own.has(path);
		this.own.add(path);
		return { path, isOwn };
	}

	/** The first file of a circle that is somebody else's: better known before than in mid-capture. */
	foreignFile(): string | null {
		if (this.spec.filePeriodMs !== undefined) return null;
		const names = Array.from({ length: this.ringSize }, (_, i) => this.ringName(this.spec.path, i));
		return names.find((name) => existsSync(name)) ?? null;
	}

	/** No file comes after the present one: -W with -G alone. */
	get isLast(): boolean {
		const { files, fileBytes } = this.spec;
		return files !== undefined && fileBytes === undefined && this.count >= files;
	}

	/** Files in the circle, 0 without one. */
	private get ringSize(): number {
		const { files, fileBytes } = this.spec;
		return fileBytes === undefined ? 0 : (files ?? 0);
	}

	private ringName(base: string, number: number): string {
		const digits = String(this.ringSize - 1).length;
		return `${base}${String(number).padStart(digits, '0')}`;
	}

	private plainName(base: string): string {
		for (; ; this.number++) {
			const name = this.number === 0 ? base : `${base}${this.number}`;
			if (!this.own.has(name)) return name;
		}
	}
}
