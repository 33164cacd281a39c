/** Containers as a host has them: a namespace, a control group and a process, without any runtime. */
import { randomBytes } from 'node:crypto';
import {
	existsSync,
	mkdirSync,
	readdirSync,
	readFileSync,
	rmdirSync,
	statSync,
	writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { Host, type Lab, type Run, until } from './lab.ts';
import { attached, type Observed } from './observed.ts';
import { root } from './testkit.ts';

/** Where control groups can be made; with version 1, those without a controller. */
const cgroupRoot = (): string =>
	['/sys/fs/cgroup', '/sys/fs/cgroup/unified', '/sys/fs/cgroup/systemd'].find((path) =>
		existsSync(`${path}/cgroup.procs`),
	) ?? '/sys/fs/cgroup/pids';

/** Where version 1 of control groups counts and limits; with version 2 nothing. */
const controllerRoots = (): string[] =>
	['cpu', 'cpuacct', 'memory', 'blkio', 'freezer']
		.map((controller) => `/sys/fs/cgroup/${controller}`)
		.filter((path) => existsSync(`${path}/cgroup.procs`));

/** Named as Docker names a group. A second life of the same id is a container that was restarted. */
export class Container implements AsyncDisposable {
	readonly id: string;
	readonly inside: Host;
	private readonly runs: Run[] = [];
	private readonly groups: string[];

	/** counted: with a group in every hierarchy, so that what it uses is known. */
	constructor(inside: Host, id = randomBytes(32).toString('hex'), { counted = false } = {}) {
		this.id = id;
		this.inside = inside;
		const roots = [...new Set([cgroupRoot(), ...(counted ? controllerRoots() : [])])];
		this.groups = roots.map((path) => `${path}/docker-${id}.scope`);
		for (const group of this.groups) mkdirSync(group);
		this.run('sleep', '60');
	}

	/** The path of a file of its control group, of either version; undefined: it has none. */
	file(...names: string[]): string | undefined {
		const paths = this.groups.flatMap((group) => names.map((name) => join(group, name)));
		return paths.find(existsSync);
	}

	/** Starts a process in the container. */
	run(command: string, ...args: string[]): Run {
		const run = this.inside.spawn(command, args);
		this.runs.push(run);
		this.awaitInside(run);
		for (const group of this.groups) writeFileSync(`${group}/cgroup.procs`, String(run.child.pid));
		return run;
	}

	/** A process in the group that is still on its way would be taken for one of this host. */
	private awaitInside({ child }: Run): void {
		const inode = inodeOf(this.inside);
		while (statSync(`/proc/${child.pid}/ns/net`).ino !== inode);
	}

	get pid(): number {
		return this.runs[0]?.child.pid as number;
	}

	async stop(): Promise<void> {
		await Promise.all(this.runs.map((run) => run.stop('SIGKILL')));
		for (const group of this.groups.filter(existsSync)) {
			const processes = `${group}/cgroup.procs`;
			await until(() => readFileSync(processes, 'utf8') === '', 'an empty group');
			rmdirSync(group);
		}
	}

	[Symbol.asyncDispose](): Promise<void> {
		return this.stop();
	}
}

/** xspan with a place of its own for what it writes down. */
export class Xspan {
	readonly host: Host;
	readonly notes: string;

	constructor(host: Host, lab: Lab) {
		this.host = host;
		this.notes = join(lab.directory(), 'run');
	}

	run(...args: string[]): Run {
		const command = [join(root, 'dist/cli/main.js'), ...args];
		return this.host.spawn(process.execPath, command, { env: { XSPAN_RUN_DIR: this.notes } });
	}

	observe(...args: string[]): Promise<Observed> {
		return attached(this.run(...args, '--json', '--interval', '20ms'));
	}

	/** Runs to its end, which must be an error: exit code and message. */
	async fails(code: number, says: RegExp, ...args: string[]): Promise<void> {
		const finished = await this.run(...args).finished;
		expect(finished.stderr).toMatch(says);
		expect(finished.code, finished.stderr).toBe(code);
	}

	noted(): string[] {
		return existsSync(this.notes) ? readdirSync(this.notes) : [];
	}
}

/** A host on which Docker has names for containers. */
export class DockerHost extends Host {
	private readonly library: string;

	constructor({ namespace }: Host, lab: Lab, names: Record<string, string>) {
		super(namespace, lab);
		this.library = lab.directory();
		for (const [id, name] of Object.entries(names)) {
			const directory = join(this.library, 'docker/containers', id);
			mkdirSync(directory, { recursive: true });
			const config = JSON.stringify({ ID: id, Name: `/${name}` });
			writeFileSync(join(directory, 'config.v2.json'), config);
		}
	}

	/** In a mount namespace of its own, where /var/lib is that of this host. */
	override xspan(...args: string[]): Run {
		const script = 'mount --bind "$0" /var/lib && exec "$@"';
		const command = [process.execPath, join(root, 'dist/cli/main.js'), ...args];
		return this.spawn('unshare', ['--mount', 'sh', '-c', script, this.library, ...command]);
	}
}

interface IpLink {
	ifname: string;
	ifindex: number;
	flags: string[];
	mtu: number;
	promiscuity: number;
	ifalias?: string;
}

/** Of a new veth they come a moment later. */
const CARRIER = new Set(['NO-CARRIER', 'LOWER_UP']);

interface Attached {
	ifindex?: number;
	id?: number;
	prog_id?: number;
}

/** As bpftool sees it: one process for all interfaces of a namespace. */
const programsIn = (host: Host): Attached[] =>
	(JSON.parse(host.exec('bpftool', '-j', 'net', 'show')) as Record<string, Attached[]>[]).flatMap(
		({ xdp = [], tc = [] }) => [...xdp, ...tc],
	);

const traces = (host: Host) => ({
	links: (JSON.parse(host.ip('-json', '-d', 'link', 'show')) as IpLink[]).map(
		({ ifname, ifindex, flags, mtu, promiscuity, ifalias }) => ({
			...{ ifname, ifindex, mtu, promiscuity, ifalias },
			flags: flags.filter((flag) => !CARRIER.has(flag)),
		}),
	),
	programs: programsIn(host),
	qdiscs: host.exec('tc', 'qdisc', 'show'),
});

/** What a session may not leave changed, in any of these namespaces. */
export const everywhere = (hosts: readonly Host[]) => hosts.map(traces);

/** Ids of everybody's programs on interfaces of these namespaces. */
export const programsOf = (hosts: readonly Host[]): number[] =>
	hosts.flatMap(programsIn).flatMap(({ id, prog_id }) => id ?? prog_id ?? []);

/** A host whose interfaces do not speak by themselves. */
export function quietHost(lab: Lab, role: string): Host {
	const host = lab.host(role);
	const path = '/proc/sys/net/ipv6/conf';
	host.exec('sh', '-c', `echo 1 > ${path}/all/disable_ipv6; echo 1 > ${path}/default/disable_ipv6`);
	return host;
}

/** A macvlan of a host's interface, up, inside of another namespace. */
export function macvlan(
	parent: Host,
	of: string,
	inside: Host,
	mac: string,
	mode = 'bridge',
): void {
	const name = `mv${mac.slice(-2)}`;
	parent.ip('link', 'add', name, 'link', of, 'address', mac, 'type', 'macvlan', 'mode', mode);
	parent.ip('link', 'set', name, 'netns', inside.namespace, 'name', 'eth0');
	inside.ip('link', 'set', 'eth0', 'up');
}

export const inodeOf = (host: Host): number =>
	Number(host.exec('stat', '-Lc', '%i', '/proc/self/ns/net'));
