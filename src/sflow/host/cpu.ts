/** host_cpu (2003). */
import { textOf } from '../proc.ts';
import { begin, CounterRecord, end } from '../structures.ts';
import type { XdrWriter } from '../xdr.ts';
import { machineConstants } from './constants.ts';

export interface LoadAverage {
	one: number;
	five: number;
	fifteen: number;
	running: number;
	total: number;
}

/** Times in ms, over all processors. */
export interface CpuTimes {
	user: number;
	nice: number;
	system: number;
	idle: number;
	wio: number;
	intr: number;
	sintr: number;
	steal: number;
	guest: number;
	guestNice: number;
	processors: number;
	interrupts: number;
	contexts: number;
}

export interface CpuCounters {
	load: LoadAverage;
	times: CpuTimes;
	/** MHz, 0: not known. */
	speedMhz: number;
	/** Seconds since the machine was booted. */
	uptimeS: number;
}

/** /proc/loadavg: "0.20 0.18 0.12 1/80 11206". Whoever reads it is running and does not count. */
export function parseLoadAverage(text: string): LoadAverage {
	const [one, five, fifteen, running, total] = text.split(/[\s/]+/).map(Number);
	return {
		one: one ?? 0,
		five: five ?? 0,
		fifteen: fifteen ?? 0,
		running: Math.max(0, (running ?? 1) - 1),
		total: total ?? 0,
	};
}

/** /proc/stat, see proc_stat(5). */
export function parseCpuTimes(text: string, ticksPerSecond: number): CpuTimes {
	const ticks = (/^cpu +(.*)$/m.exec(text)?.[1] ?? '').split(/\s+/).map(Number);
	const ms = (column: number): number => ((ticks[column] ?? 0) * 1000) / ticksPerSecond;
	const first = (name: string): number =>
		Number(new RegExp(`^${name} (\\d+)`, 'm').exec(text)?.[1] ?? 0);
	return {
		user: ms(0),
		nice: ms(1),
		system: ms(2),
		idle: ms(3),
		wio: ms(4),
		intr: ms(5),
		sintr: ms(6),
		steal: ms(7),
		guest: ms(8),
		guestNice: ms(9),
		processors: text.match(/^cpu\d+ /gm)?.length ?? 0,
		interrupts: first('intr'),
		contexts: first('ctxt'),
	};
}

/** The first processor's, from /proc/cpuinfo; arm64 does not say. */
export const parseSpeedMhz = (text: string): number =>
	Math.round(Number(/^cpu MHz\s*: ([\d.]+)$/m.exec(text)?.[1] ?? 0));

export const readCpu = (): CpuCounters => ({
	load: parseLoadAverage(textOf('/proc/loadavg') ?? ''),
	times: parseCpuTimes(textOf('/proc/stat') ?? '', machineConstants().ticksPerSecond),
	speedMhz: parseSpeedMhz(textOf('/proc/cpuinfo') ?? ''),
	uptimeS: Math.floor(Number((textOf('/proc/uptime') ?? '0').split(' ')[0])),
});

export function writeCpu(xdr: XdrWriter, { load, times, speedMhz, uptimeS }: CpuCounters): void {
	const lengthAt = begin(xdr, CounterRecord.hostCpu);
	xdr.float(load.one);
	xdr.float(load.five);
	xdr.float(load.fifteen);
	xdr.u32(load.running);
	xdr.u32(load.total);
	xdr.u32(times.processors);
	xdr.u32(speedMhz);
	xdr.u32(uptimeS);
	xdr.u32(times.user);
	xdr.u32(times.nice);
	xdr.u32(times.system);
	xdr.u32(times.idle);
	xdr.u32(times.wio);
	xdr.u32(times.intr);
	xdr.u32(times.sintr);
	xdr.u32(times.interrupts);
	xdr.u32(times.contexts);
	xdr.u32(times.steal);
	xdr.u32(times.guest);
	xdr.u32(times.guestNice);
	end(xdr, lengthAt);
}
