/** virt_cpu (2101): what a container uses of the processors. */
import { cpus } from 'node:os';
import { parseNamed } from '../proc.ts';
import { begin, CounterRecord, end } from '../structures.ts';
import type { XdrWriter } from '../xdr.ts';
import type { ReadGroupFile } from './control-group.ts';

export interface VirtualCpu {
	/** Its control group is frozen, as `docker pause` does it. */
	paused: boolean;
	/** Of all its processes, gone ones included. */
	timeMs: number;
	/** Processors that it may use at the same time. */
	processors: number;
}

/** virDomainState of libvirt */
const RUNNING = 1;
const PAUSED = 3;

const US_PER_MS = 1000;
const NS_PER_MS = 1e6;

/** cpu.stat of version 2 is there without the controller, too. */
function timeMs(read: ReadGroupFile): number | undefined {
	const us = parseNamed(read('', 'cpu.stat') ?? '').get('usage_usec');
	if (us !== undefined) return us / US_PER_MS;
	const ns = read('cpuacct', 'cpuacct.usage');
	return ns === undefined ? undefined : Number(ns) / NS_PER_MS;
}

/** "200000 100000" or "max 100000": time in each period. */
function quota(read: ReadGroupFile): number {
	const text =
		read('', 'cpu.max') ?? `${read('cpu', 'cpu.cfs_quota_us')} ${read('cpu', 'cpu.cfs_period_us')}`;
	const [time, period] = text.split(' ').map(Number) as [number, number];
	return time > 0 && period > 0 ? Math.ceil(time / period) : Number.POSITIVE_INFINITY;
}

/** "0-3,8": 5. Nothing, or an empty list: all of the machine. */
function listed(text: string | undefined): number {
	const ranges = [...(text ?? '').matchAll(/(\d+)(?:-(\d+))?/g)];
	const count = ranges.reduce((sum, [, a, b = a]) => sum + Number(b) - Number(a) + 1, 0);
	return count > 0 ? count : cpus().length;
}

const isFrozen = (read: ReadGroupFile): boolean =>
	parseNamed(read('', 'cgroup.events') ?? '').get('frozen') === 1 ||
	read('freezer', 'freezer.state') === 'FROZEN';

/** Null: not known. */
export function readVirtualCpu(read: ReadGroupFile): VirtualCpu | null {
	const time = timeMs(read);
	if (time === undefined) return null;
	const set = read('', 'cpuset.cpus.effective') ?? read('cpuset', 'cpuset.effective_cpus');
	return {
		paused: isFrozen(read),
		timeMs: time,
		processors: Math.min(listed(set), quota(read)),
	};
}

export function writeVirtualCpu(xdr: XdrWriter, cpu: VirtualCpu): void {
	const lengthAt = begin(xdr, CounterRecord.virtualCpu);
	xdr.u32(cpu.paused ? PAUSED : RUNNING);
	xdr.u32(cpu.timeMs);
	xdr.u32(cpu.processors);
	end(xdr, lengthAt);
}
