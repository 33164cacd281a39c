/** The files of a container's own control group, in version 1 or 2, or both where both are mounted. */
import { join } from 'node:path';
import { controlGroupsOf } from '../../topology/containers.ts';
import { cgroupOf } from '../../topology/processes.ts';
import { textOf } from '../proc.ts';

/**
 * The text of a file, by the controller of version 1 that has it, or "" for version 2. Nothing: the
 * container has no group of its own there, or the kernel no such file.
 */
export type ReadGroupFile = (controller: string, file: string) => string | undefined;

/** Where each controller is mounted, "" for version 2, from /proc/self/mounts. */
export function parseHierarchies(mounts: string): Map<string, string> {
	const points = new Map<string, string>();
	for (const line of mounts.split('\n')) {
		const [, point = '', type, options = ''] = line.split(' ');
		if (type === 'cgroup2') points.set('', point);
		// Its options name the controllers among others (rw, relatime), which nobody asks for.
		if (type === 'cgroup') for (const option of options.split(',')) points.set(option, point);
	}
	return points;
}

/** @param pid a process of the container */
export function groupReader(pid: number, id: string): ReadGroupFile {
	const groups = controlGroupsOf(cgroupOf(pid) ?? '', id);
	const hierarchies = parseHierarchies(textOf('/proc/self/mounts') ?? '');
	return (controller, file) => {
		const [point, group] = [hierarchies.get(controller), groups.get(controller)];
		if (point === undefined || group === undefined) return undefined;
		return textOf(join(point, group, file));
	};
}
