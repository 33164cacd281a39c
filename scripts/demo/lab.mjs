/**
 * Hosts made of network namespaces without names: each lives as long as a process that waits for
 * the end of its input. Nothing is mounted, so this works in containers too, and whatever ends this
 * program (a failure, Ctrl-C, kill -9) ends the namespaces and the devices in them.
 */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { delimiter } from 'node:path';

/** iproute2 and tcpdump are in sbin, which not every user has in the path. */
const env = { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin` };

export const has = (tool) =>
	env.PATH.split(delimiter).some((directory) => existsSync(`${directory}/${tool}`));

export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

export async function until(holds, what, timeoutMs = 5000) {
	for (const end = Date.now() + timeoutMs; !holds(); await sleep(10))
		if (Date.now() > end) throw new Error(`waited ${timeoutMs / 1000} s for ${what}`);
}

/** A program that runs beside this one. */
export class Program {
	stdout = '';
	stderr = '';

	constructor(name, command, args, stdin) {
		this.name = name;
		this.child = spawn(command, args, { stdio: [stdin, 'pipe', 'pipe'], env });
		this.child.stdout.setEncoding('utf8').on('data', (text) => {
			this.stdout += text;
		});
		this.child.stderr.setEncoding('utf8').on('data', (text) => {
			this.stderr += text;
		});
		this.finished = once(this.child, 'close').then(([code]) => code);
		this.finished.catch(() => {}); // told to whoever waits for it
	}

	get isRunning() {
		return this.child.exitCode === null && this.child.signalCode === null;
	}

	/** Waits until its output matches. */
	async says(pattern) {
		const said = () => pattern.test(this.stdout) || pattern.test(this.stderr);
		await until(() => said() || !this.isRunning, `${this.name} to start`);
		if (!said()) throw new Error(`${this.name} ended: ${this.stderr.trim()}`);
	}

	/** Ends it as Ctrl-C would. */
	async stop() {
		if (this.isRunning) this.child.kill('SIGINT');
		return this.finished;
	}
}

export class Host {
	constructor(lab, name, pid) {
		this.lab = lab;
		this.name = name;
		this.pid = pid;
		this.enter = `--net=/proc/${pid}/ns/net`;
	}

	ip(...args) {
		return execFileSync('nsenter', [this.enter, 'ip', ...args], { encoding: 'utf8', env });
	}

	start(command, ...args) {
		return this.lab.remember(
			new Program(command, 'nsenter', [this.enter, command, ...args], 'ignore'),
		);
	}

	/** Every interface as the kernel describes it. */
	links() {
		return JSON.parse(this.ip('-details', '-statistics', '-json', 'link'));
	}
}

export class Lab {
	programs = [];

	remember(program) {
		this.programs.push(program);
		return program;
	}

	async host(name) {
		const shell = ['--net', 'sh', '-c', 'echo ready; exec cat >/dev/null'];
		const holder = this.remember(new Program('unshare', 'unshare', shell, 'pipe'));
		await holder.says(/ready/);
		return new Host(this, name, holder.child.pid);
	}

	/** A cable between two hosts: both ends up, and no IPv6 of their own that would add frames. */
	wire(a, nameA, b, nameB, ...options) {
		const peer = ['peer', 'name', nameB, 'netns', String(b.pid)];
		a.ip('link', 'add', nameA, ...options, 'type', 'veth', ...peer);
		a.ip('link', 'set', nameA, 'addrgenmode', 'none', 'up');
		b.ip('link', 'set', nameB, 'addrgenmode', 'none', 'up');
	}

	async close() {
		for (const program of this.programs) {
			program.child.stdin?.end();
			if (program.isRunning) program.child.kill('SIGKILL');
		}
		await Promise.allSettled(this.programs.map((program) => program.finished));
	}
}
