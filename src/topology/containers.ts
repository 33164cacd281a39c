/**
 * Containers, found without asking any runtime: their ids in the control groups of their processes,
 * their names in the files that runtimes keep.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { hasCode } from '../errors.ts';
import { allPids, cgroupOf, netnsOfPid } from './processes.ts';

export interface Container {
	/** 64 hexadecimal digits, or the name where the runtime knows no id (LXC, systemd-nspawn). */
	id: string;
	names: string[];
	/** The lowest process. */
	pid: number;
	netns: number;
}

/** conmon, the monitor of Podman and CRI-O, runs beside the container, not in it. */
const MONITOR = /(?:libpod|crio)-conmon-[0-9a-f]{64}/g;

const NAMED = [/\/lxc\.payload\.([^/\n]+)/, /\/lxc\/([^/\n]+)/, /\/machine-([^/\n]+)\.scope/];

/** docker-ID.scope, cri-containerd-ID.scope, crio-ID.scope, libpod-ID.scope, /docker/ID, /kubepods/.../ID */
export function containerIdOf(cgroup: string): string | null {
	const ids = cgroup.replaceAll(MONITOR, '').match(/\b[0-9a-f]{64}\b/g);
	if (ids) return ids.at(-1) ?? null; // a container in a container: the inner one
	for (const pattern of NAMED) {
		const name = pattern.exec(cgroup)?.[1];
		if (name) return name;
	}
	return null;
}

/** The path of a container's own control group, in the path of one of its processes. */
function ownGroup(path: string, id: string): string | null {
	let group = '';
	for (const part of path.split('/').slice(1)) {
		group += `/${part}`;
		if (containerIdOf(group) === id) return group;
	}
	return null;
}

/**
 * The control groups that are a container's own, from /proc/PID/cgroup: their paths by controller,
 * that of version 2 by "". What it shares with others is left out.
 */
export function controlGroupsOf(cgroup: string, id: string): Map<string, string> {
	const groups = new Map<string, string>();
	for (const [, controllers = '', path = ''] of cgroup.matchAll(/^\d+:([^:\n]*):(.*)$/gm)) {
		const group = ownGroup(path, id);
		if (group !== null)
			for (const controller of controllers.split(',')) groups.set(controller, group);
	}
	return groups;
}

type NamesById = Map<string, string[]>;

function addName(names: NamesById, id: unknown, name: unknown): void {
	if (typeof id !== 'string' || typeof name !== 'string' || !id || !name) return;
	names.set(id, [...(names.get(id) ?? []), name.replace(/^\//, '')]);
}

/** Files of a runtime that is not there, or of a container that is just removed. */
function readOrNothing<T>(read: () => T, nothing: T): T {
	try {
		return read();
	} catch (error) {
		if (hasCode(error, 'ENOENT', 'ENOTDIR', 'EACCES', 'EPERM') || error instanceof SyntaxError)
			return nothing;
		throw error;
	}
}

const entriesOf = (path: string): string[] => readOrNothing(() => readdirSync(path), []);

// biome-ignore lint/suspicious/noExplicitAny: files of other programs, looked at property by property
const jsonOf = (path: string): any =>
	readOrNothing(() => JSON.parse(readFileSync(path, 'utf8')), null);

function docker(root: string, names: NamesById): void {
	const directory = join(root, 'var/lib/docker/containers');
	for (const id of entriesOf(directory)) {
		const config = jsonOf(join(directory, id, 'config.v2.json'));
		addName(names, config?.ID, config?.Name);
	}
}

/** Podman and CRI-O share containers/storage. */
function containersStorage(root: string, names: NamesById): void {
	const path = join(root, 'var/lib/containers/storage/overlay-containers/containers.json');
	const list = jsonOf(path);
	for (const each of Array.isArray(list) ? list : [])
		for (const name of each?.names ?? []) addName(names, each?.id, name);
}

function nerdctl(root: string, names: NamesById): void {
	const top = join(root, 'var/lib/nerdctl');
	for (const address of entriesOf(top))
		for (const namespace of entriesOf(join(top, address, 'names'))) {
			const directory = join(top, address, 'names', namespace);
			for (const name of entriesOf(directory)) {
				const read = () => readFileSync(join(directory, name), 'utf8').trim();
				addName(names, readOrNothing(read, ''), name);
			}
		}
}

const CRI_NAMES = [
	['io.kubernetes.cri.container-name', 'io.kubernetes.cri.sandbox-name'],
	['io.kubernetes.container.name', 'io.kubernetes.pod.name'],
] as const;

/** Of a pod's container both names lead to it; the pod's own ("pause") has only that of the pod. */
function kubernetes(root: string, names: NamesById): void {
	const directories = [
		join(root, 'run/containerd/io.containerd.runtime.v2.task/k8s.io'),
		join(root, 'run/containers/storage/overlay-containers'),
	];
	for (const directory of directories)
		for (const id of entriesOf(directory)) {
			const config =
				jsonOf(join(directory, id, 'config.json')) ??
				jsonOf(join(directory, id, 'userdata/config.json'));
			for (const pair of CRI_NAMES)
				for (const key of pair) addName(names, id, config?.annotations?.[key]);
		}
}

export function readContainerNames(root = '/'): NamesById {
	const names: NamesById = new Map();
	for (const read of [docker, containersStorage, nerdctl, kubernetes]) read(root, names);
	return names;
}

/** The containers that run, that is: have a process. */
export function findContainers(root = '/'): Container[] {
	const found = new Map<string, Container>();
	const names = readContainerNames(root);
	for (const pid of allPids()) {
		const id = containerIdOf(cgroupOf(pid) ?? '');
		if (id === null || found.has(id)) continue;
		const netns = netnsOfPid(pid);
		if (netns !== null) found.set(id, { id, names: names.get(id) ?? [], pid, netns });
	}
	return [...found.values()];
}

const SHORT_ID = 12;

const shortId = ({ id }: Container): string =>
	id.length === 64 ? id.slice(0, SHORT_ID) : basename(id);

/** What its runtime calls it, or the beginning of its id. */
export const nameOf = (container: Container): string => container.names[0] ?? shortId(container);

export function describeContainer(container: Container): string {
	const [name] = container.names;
	return name ? `${name} (${shortId(container)})` : shortId(container);
}
