/**
 * Where everything is measured: network namespaces of the benchmark's own. The machine's interfaces
 * are never touched.
 *
 *   src: tx0 ==veth== mon: mon0 (observed)
 *                     mon: port0 (where mirrors go) ==veth== ids: ids0 (drops what arrives)
 *                     mon: up0 (the way to a collector) ==veth== ids: col0 (drops IP that arrives)
 */
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { Process } from './process.mjs';

export const root = join(import.meta.dirname, '../..');
export const cli = join(root, 'dist/cli/main.js');

const PREFIX = 'xsb';
const ROLES = /** @type {const} */ (['src', 'mon', 'ids']);

/** @typedef {typeof ROLES[number]} Role */

/** Where remote destinations are: RFC 2544 reserves these addresses for benchmarks. */
export const host = '198.18.0.1';
export const collector = '198.18.0.2';
/** Takes a frame of 1500 bytes in any tunnel. */
const UPLINK_MTU = '1600';
/** One classic BPF instruction, "return TC_ACT_SHOT": the cheapest end a copy can meet. */
const DROP = ['bpf', 'da', 'bytecode', '1,6 0 0 2'];

const run = (/** @type {string} */ command, /** @type {string[]} */ ...args) =>
	execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });

/** Of benchmarks that were killed. */
function sweep() {
	for (const name of existsSync('/run/netns') ? readdirSync('/run/netns') : []) {
		const pid = new RegExp(`^${PREFIX}(\\d+)-`).exec(name)?.[1];
		if (pid && !existsSync(`/proc/${pid}`)) run('ip', 'netns', 'del', name);
	}
}

export class Lab {
	/** @type {string[]} */
	#namespaces = [];
	/** @type {Set<Process>} */
	#processes = new Set();

	constructor() {
		sweep();
		process.once('exit', () => this.#remove());
		for (const role of ROLES) {
			run('ip', 'netns', 'add', this.namespace(role));
			this.#namespaces.push(this.namespace(role));
		}
		this.exec('mon', 'ip', 'link', 'set', 'lo', 'up');
		this.#wire('src', 'tx0', 'mon', 'mon0');
		this.#wire('mon', 'port0', 'ids', 'ids0');
		// A veth takes redirected XDP frames only when its peer polls: GRO makes it.
		this.exec('mon', 'ethtool', '-K', 'mon0', 'gro', 'on');
		this.tc('ids', 'qdisc add dev ids0 clsact');
		this.exec('ids', 'tc', 'filter', 'add', 'dev', 'ids0', 'ingress', ...DROP);
		this.#openUplink();
	}

	/** ARP is answered, so that the neighbour is resolved as anywhere. */
	#openUplink() {
		this.#wire('mon', 'up0', 'ids', 'col0');
		for (const [role, name, address] of /** @type {[Role, string, string][]} */ ([
			['mon', 'up0', host],
			['ids', 'col0', collector],
		])) {
			this.exec(role, 'ip', 'link', 'set', name, 'mtu', UPLINK_MTU);
			this.exec(role, 'ip', 'address', 'add', `${address}/24`, 'dev', name);
		}
		this.exec('ids', 'ethtool', '-K', 'col0', 'gro', 'on');
		this.tc('ids', 'qdisc add dev col0 clsact');
		const ip = ['protocol', 'ip', ...DROP];
		this.exec('ids', 'tc', 'filter', 'add', 'dev', 'col0', 'ingress', ...ip);
	}

	namespace(/** @type {Role} */ role) {
		return `${PREFIX}${process.pid}-${role}`;
	}

	/** Runs a command in a namespace and returns what it prints. */
	exec(/** @type {Role} */ role, /** @type {string} */ command, /** @type {string[]} */ ...args) {
		return run('nsenter', `--net=/run/netns/${this.namespace(role)}`, command, ...args);
	}

	tc(/** @type {Role} */ role, /** @type {string} */ args) {
		return this.exec(role, 'tc', ...args.split(' '));
	}

	/** Starts a command in a namespace; it is killed with the lab. */
	start(
		/** @type {Role} */ role,
		/** @type {string[]} */ command,
		/** @type {import('node:child_process').SpawnOptions} */ options = {},
	) {
		const where = `--net=/run/netns/${this.namespace(role)}`;
		const child = spawn('nsenter', [where, ...command], {
			stdio: ['ignore', 'pipe', 'pipe'],
			cwd: root,
			...options,
		});
		const started = new Process(child);
		this.#processes.add(started);
		child.on('close', () => this.#processes.delete(started));
		return started;
	}

	/** A program of bench/programs, to talk to in messages. */
	program(/** @type {Role} */ role, /** @type {string} */ name, /** @type {string[]} */ ...args) {
		const path = join(root, 'bench/programs', name);
		return this.start(role, [process.execPath, path, ...args], {
			stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
		});
	}

	/** What an interface received so far: {packets, bytes, ...}. */
	statistics(/** @type {Role} */ role, /** @type {string} */ name) {
		const show = ['-s', '-j', 'link', 'show', name];
		const [link] = JSON.parse(run('ip', '-n', this.namespace(role), ...show));
		return link.stats64.rx;
	}

	/** Frames that an interface received so far. */
	received(/** @type {Role} */ role, /** @type {string} */ name) {
		return this.statistics(role, name).packets;
	}

	#wire(
		/** @type {Role} */ a,
		/** @type {string} */ nameA,
		/** @type {Role} */ b,
		/** @type {string} */ nameB,
	) {
		run(
			'ip',
			'-n',
			this.namespace(a),
			'link',
			'add',
			nameA,
			'type',
			'veth',
			'peer',
			'name',
			nameB,
			'netns',
			this.namespace(b),
		);
		for (const [role, name] of /** @type {[Role, string][]} */ ([
			[a, nameA],
			[b, nameB],
		])) {
			this.exec(role, 'sh', '-c', `echo 1 > /proc/sys/net/ipv6/conf/${name}/disable_ipv6`);
			this.exec(role, 'ip', 'link', 'set', name, 'up');
		}
	}

	/** Synchronous: the process may be on its way out. */
	#remove() {
		for (const each of this.#processes) each.child.kill('SIGKILL');
		for (const name of this.#namespaces) run('ip', 'netns', 'del', name);
		this.#namespaces = [];
	}
}
