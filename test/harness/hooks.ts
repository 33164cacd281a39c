/** What hangs on the interfaces of a host, asked of the kernel and not of xspan. */
import { spawnSync } from 'node:child_process';
import { type Host, until } from './lab.ts';

export interface Hooks {
	/** Ids of tcx programs. */
	rx: number[];
	tx: number[];
	/** Id of the XDP program. */
	xdp: number | null;
	/** Filters of clsact, one line each. */
	filters: string[];
	qdiscs: string[];
}

interface IpLink {
	ifname: string;
	ifindex: number;
	xdp?: { prog: { id: number } };
}

const links = (host: Host): IpLink[] => JSON.parse(host.ip('-json', '-d', 'link', 'show'));

const lines = (text: string): string[] => text.split('\n').filter(Boolean);

export function hooks(host: Host, name: string): Hooks {
	const link = links(host).find((each) => each.ifname === name);
	if (!link) throw new Error(`there is no ${name}`);
	const tcx = host.exec('python3', 'test/harness/programs/tcx.py', String(link.ifindex));
	const { rx, tx } = JSON.parse(tcx) as { rx: number[]; tx: number[] };
	const filters = (['ingress', 'egress'] as const).flatMap((side) =>
		lines(host.exec('tc', 'filter', 'show', 'dev', name, side)).filter((line) =>
			line.includes('handle'),
		),
	);
	const qdiscs = lines(host.exec('tc', 'qdisc', 'show', 'dev', name));
	return { rx, tx, xdp: link.xdp?.prog.id ?? null, filters, qdiscs };
}

/** The hooks of every interface of a host. */
export function allHooks(host: Host): Record<string, Hooks> {
	const names = links(host).map((link) => link.ifname);
	return Object.fromEntries(names.map((name) => [name, hooks(host, name)]));
}

/** Ids of all programs on an interface. */
export function programs({ rx, tx, xdp }: Hooks): number[] {
	return [...rx, ...tx, ...(xdp === null ? [] : [xdp])];
}

export const programExists = (id: number): boolean =>
	spawnSync('bpftool', ['prog', 'show', 'id', String(id)]).status === 0;

/** Waits until the kernel has freed programs: it does so a moment after the last reference. */
export async function freed(ids: number[]): Promise<void> {
	if (ids.length === 0) throw new Error('no program was attached: this proves nothing');
	await until(() => !ids.some(programExists), `the end of programs ${ids.join(', ')}`);
}

/** What a session must not change: everything about every interface but its counters. */
export function state(host: Host): unknown[] {
	return links(host).map(({ xdp, ...link }) => ({
		...link,
		features: lines(host.exec('ethtool', '-k', link.ifname)),
		addresses: JSON.parse(host.ip('-json', 'address', 'show', 'dev', link.ifname))[0].addr_info,
	}));
}
