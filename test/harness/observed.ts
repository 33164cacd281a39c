/** An xspan session in a process of its own, watched through its --json lines. */
import { expect } from 'vitest';
import { type Finished, type Host, type Run, until } from './lab.ts';
import { expectBalanced, type Line, parseLines } from './ledger.ts';

export interface Ended {
	finished: Finished;
	/** The last line, whose ledger balances. */
	line: Line;
}

/** Of one stream: each line is parsed once, however often it is asked for. */
class LineReader {
	private readonly lines: Line[] = [];
	private end = 0;

	/** @param text the stream from its beginning */
	read(text: string): readonly Line[] {
		const end = text.lastIndexOf('\n') + 1;
		this.lines.push(...parseLines(text.slice(this.end, end)));
		this.end = end;
		return this.lines;
	}
}

export class Observed {
	readonly run: Run;
	private readonly stdout = new LineReader();
	private readonly stderr = new LineReader();

	constructor(run: Run) {
		this.run = run;
	}

	/** With `-w -` the lines are on standard error. */
	lines(): Line[] {
		return [...this.stdout.read(this.run.stdout), ...this.stderr.read(this.run.stderr)];
	}

	/** Waits until the session has seen so many frames. */
	async sees(frames: number): Promise<void> {
		await this.waits((line) => line.ledger.seen.frames >= frames, `${frames} frames seen`);
	}

	/** Waits for a line that fits. */
	async waits(fits: (line: Line) => boolean, what: string): Promise<void> {
		await until(
			() => this.lines().some(fits),
			what,
			15_000,
			() =>
				`last line: ${JSON.stringify(this.lines().at(-1))}\nexit: ${this.run.child.exitCode}\n${this.run.stderr}`,
		);
	}

	/** Waits for the end, whoever brings it. */
	async ends(code = 0): Promise<Ended> {
		const finished = await this.run.finished;
		expect(finished.code, `exit code; stderr: ${finished.stderr}`).toBe(code);
		expect(finished.signal).toBeNull();
		const line = this.lines().at(-1);
		expect(line?.end, `the last line says why the session ended\n${finished.stderr}`).toBeDefined();
		expectBalanced(line as Line);
		return { finished, line: line as Line };
	}

	/** Ctrl-C. */
	async stop(): Promise<Ended> {
		this.run.child.kill('SIGINT');
		return this.ends();
	}
}

/** Starts `xspan ARGS --json` and waits until it is attached. */
export async function observe(host: Host, ...args: string[]): Promise<Observed> {
	return attached(host.xspan(...args, '--json', '--interval', '20ms'));
}

/** For a process that the test has started itself, with --json and a short --interval. */
export async function attached(run: Run): Promise<Observed> {
	const observed = new Observed(run);
	await observed.waits(() => true, 'the first line');
	return observed;
}
