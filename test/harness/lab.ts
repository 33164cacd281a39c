/**
 * Network namespaces for tests: made by the test, named after its process, removed with everything
 * in them, also when the test fails. No test touches an interface of the machine itself.
 */
import { type ChildProcess, execFileSync, type SpawnOptions, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root } from './testkit.ts';

const PREFIX = 'xst';
let made = 0;

export interface Finished {
	code: number | null;
	signal: NodeJS.Signals | null;
	stdout: string;
	stderr: string;
}

/** A process that the test started. */
export class Run {
	readonly child: ChildProcess;
	readonly finished: Promise<Finished>;
	stdout = '';
	stderr = '';

	constructor(child: ChildProcess) {
		this.child = child;
		child.stdout?.setEncoding('utf8').on('data', (text: string) => {
			this.stdout += text;
		});
		child.stderr?.setEncoding('utf8').on('data', (text: string) => {
			this.stderr += text;
		});
		this.finished = new Promise((resolve, reject) => {
			child.on('error', reject);
			child.on('close', (code, signal) =>
				resolve({ code, signal, stdout: this.stdout, stderr: this.stderr }),
			);
		});
	}

	/** Waits until its output (both streams) matches. */
	async says(pattern: RegExp, timeoutMs = 15_000): Promise<void> {
		await until(
			() => pattern.test(this.stdout) || pattern.test(this.stderr),
			`"${pattern}" in the output`,
			timeoutMs,
			() => `stdout: ${this.stdout}\nstderr: ${this.stderr}\nexit: ${this.child.exitCode}`,
		);
	}

	async stop(signal: NodeJS.Signals = 'SIGINT'): Promise<Finished> {
		if (this.child.exitCode === null) this.child.kill(signal);
		return this.finished;
	}
}

export async function until(
	holds: () => boolean | Promise<boolean>,
	what: string,
	timeoutMs = 15_000,
	explain: () => string = () => '',
): Promise<void> {
	const end = Date.now() + timeoutMs;
	while (!(await holds())) {
		if (Date.now() > end) throw new Error(`waited ${timeoutMs} ms for ${what}\n${explain()}`);
		await sleep(20);
	}
}

export const sleep = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms));

/** One network namespace, seen as a host. */
export class Host {
	readonly namespace: string;
	private readonly lab: Lab;

	constructor(namespace: string, lab: Lab) {
		this.namespace = namespace;
		this.lab = lab;
	}

	/** Runs a command in the namespace and returns what it prints. */
	exec(command: string, ...args: string[]): string {
		return execFileSync('nsenter', [`--net=/run/netns/${this.namespace}`, command, ...args], {
			encoding: 'utf8',
			stdio: ['ignore', 'pipe', 'pipe'],
			cwd: root,
		});
	}

	ip(...args: string[]): string {
		return execFileSync('ip', ['-n', this.namespace, ...args], { encoding: 'utf8' });
	}

	/** Starts a command in the namespace; it is killed with the lab. */
	spawn(command: string, args: string[], options: SpawnOptions = {}): Run {
		const child = spawn('nsenter', [`--net=/run/netns/${this.namespace}`, command, ...args], {
			stdio: ['pipe', 'pipe', 'pipe'],
			cwd: root,
			...options,
			env: { ...process.env, NO_COLOR: '1', ...options.env },
		});
		return this.lab.remember(new Run(child));
	}

	/** The xspan command, as built. */
	xspan(...args: string[]): Run {
		return this.spawn(process.execPath, [join(root, 'dist/cli/main.js'), ...args]);
	}

	/** A program of test/harness/programs, for what must happen inside the namespace. */
	program(name: string, ...args: string[]): Run {
		return this.spawn(process.execPath, [join(root, 'test/harness/programs', name), ...args]);
	}

	/** Sends a frame count times out of an interface, as fast as it goes. */
	async send(name: string, frame: Uint8Array, count: number, numberAt = -1): Promise<void> {
		const hex = Buffer.from(frame).toString('hex');
		await this.sent(this.program('send.mjs', name, hex, String(count), String(numberAt)));
	}

	/** Sends one frame from a CPU: it is received on the same one. */
	async sendFrom(cpu: number, name: string, frame: Uint8Array): Promise<void> {
		const program = join(root, 'test/harness/programs/send.mjs');
		const args = [program, name, Buffer.from(frame).toString('hex'), '1', '-1'];
		await this.sent(this.spawn('taskset', ['-c', String(cpu), process.execPath, ...args]));
	}

	private async sent(run: Run): Promise<void> {
		const { code, stderr } = await run.finished;
		if (code !== 0) throw new Error(`sending failed: ${stderr}`);
	}

	/** The same through the stack's transmit path, past the egress hooks: what this host sends. */
	async sendSelf(name: string, frame: Uint8Array, count: number, numberAt = -1): Promise<void> {
		const hex = Buffer.from(frame).toString('hex');
		const args = [name, hex, String(count), String(numberAt)];
		await this.sent(this.spawn('python3', ['test/harness/programs/raw-send.py', ...args]));
	}

	ifindex(name: string): number {
		return Number(JSON.parse(this.ip('-json', 'link', 'show', name))[0].ifindex);
	}
}

export class Lab implements AsyncDisposable {
	private readonly hosts: string[] = [];
	private readonly runs: Run[] = [];
	private readonly directories: string[] = [];

	host(role: string): Host {
		const namespace = `${PREFIX}${process.pid}-${made++}-${role}`;
		execFileSync('ip', ['netns', 'add', namespace]);
		this.hosts.push(namespace);
		const host = new Host(namespace, this);
		host.ip('link', 'set', 'lo', 'up');
		return host;
	}

	/** A cable between two hosts; both ends up, without IPv6 chatter. */
	wire(a: Host, nameA: string, b: Host, nameB: string, mtu = 1500): void {
		a.ip('link', 'add', nameA, 'type', 'veth', 'peer', 'name', nameB, 'netns', b.namespace);
		for (const [host, name] of [
			[a, nameA],
			[b, nameB],
		] as const) {
			host.exec('sh', '-c', `echo 1 > /proc/sys/net/ipv6/conf/${name}/disable_ipv6`);
			host.ip('link', 'set', name, 'mtu', String(mtu), 'up');
		}
		// Asked by name, the kernel settles the state of a link that has just come up (6.8).
		a.ip('-brief', 'link', 'show', nameA);
		b.ip('-brief', 'link', 'show', nameB);
	}

	/** Before the lab ends. */
	remove(host: Host): void {
		execFileSync('ip', ['netns', 'del', host.namespace]);
		this.hosts.splice(this.hosts.indexOf(host.namespace), 1);
	}

	/** A new directory, removed with the lab. */
	directory(): string {
		const path = mkdtempSync(join(tmpdir(), 'xspan-test-'));
		this.directories.push(path);
		return path;
	}

	remember(run: Run): Run {
		this.runs.push(run);
		return run;
	}

	async [Symbol.asyncDispose](): Promise<void> {
		for (const run of this.runs) if (run.child.exitCode === null) run.child.kill('SIGKILL');
		await Promise.allSettled(this.runs.map((run) => run.finished));
		for (const namespace of this.hosts) execFileSync('ip', ['netns', 'del', namespace]);
		for (const path of this.directories) rmSync(path, { recursive: true, force: true });
	}
}

/** Namespaces whose test process is gone. */
export function sweepNamespaces(): void {
	const names = existsSync('/run/netns') ? readdirSync('/run/netns') : [];
	for (const name of names) {
		const pid = new RegExp(`^${PREFIX}(\\d+)-`).exec(name)?.[1];
		if (pid && !existsSync(`/proc/${pid}`)) execFileSync('ip', ['netns', 'del', name]);
	}
}
