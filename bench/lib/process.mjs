/** A process that the benchmark started: its output, and its end. */
import { once } from 'node:events';
import { setTimeout } from 'node:timers/promises';
import { pin } from './cpus.mjs';
import { sleep, until } from './wait.mjs';

const PATIENCE_MS = 120_000;

export class Process {
	stdout = '';
	stderr = '';

	constructor(/** @type {import('node:child_process').ChildProcess} */ child) {
		this.child = child;
		child.stdout?.setEncoding('utf8').on('data', (text) => {
			this.stdout += text;
		});
		child.stderr?.setEncoding('utf8').on('data', (text) => {
			this.stderr += text;
		});
		/** @type {Promise<void>} */
		this.closed = new Promise((resolve, reject) => {
			child.on('error', reject);
			child.on('close', () => resolve());
		});
		this.closed.catch(() => {}); // told to whoever waits for it
	}

	get running() {
		return this.child.exitCode === null && this.child.signalCode === null;
	}

	/** Moves all its threads to a CPU. */
	pin(/** @type {number} */ cpu) {
		pin(cpu, this.child.pid);
		return this;
	}

	/** Waits until its output matches. */
	async says(/** @type {RegExp} */ pattern) {
		const spoken = () => pattern.test(this.stdout) || pattern.test(this.stderr);
		await until(
			() => spoken() || !this.running,
			`${pattern} from ${this.child.spawnargs.join(' ')}`,
		);
		if (!spoken()) throw this.failure(`ended before it said ${pattern}`);
	}

	/** Asks it to end, and waits until it has. */
	async stop(/** @type {NodeJS.Signals} */ signal = 'SIGINT') {
		if (this.running) this.child.kill(signal);
		await Promise.race([this.closed, sleep(20_000)]);
		if (this.running) throw this.failure(`does not end after ${signal}`);
	}

	/** The next message of a program of bench/programs. */
	message() {
		const aborted = new AbortController();
		const { signal } = aborted;
		const fail = async (/** @type {string} */ what) => {
			throw this.failure(what);
		};
		const answer = once(this.child, 'message', { signal }).then(([message]) => message);
		const ended = this.closed.then(() => fail('ended without an answer'));
		const late = setTimeout(PATIENCE_MS, null, { signal }).then(() => fail('does not answer'));
		return Promise.race([answer, ended, late]).finally(() => aborted.abort());
	}

	/** Sends a message and waits for the answer. */
	ask(/** @type {object} */ question) {
		const answer = this.message();
		this.child.send(question);
		return answer;
	}

	failure(/** @type {string} */ what) {
		return new Error(`${this.child.spawnargs.join(' ')}: ${what}\n${this.stderr}`);
	}
}
