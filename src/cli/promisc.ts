import { Command } from 'commander';
import {
	type DeviceRef,
	describeNamespace,
	type PromiscuityAudit,
	type PromiscuityChange,
	type PromiscuityFinding,
	type PromiscuityReason,
	type PromiscuityState,
	readPromiscuity,
	type Topology,
	watchPromiscuity,
} from '../index.ts';
import { paint, printNotice, table } from './print.ts';

function holderText({ pid, command }: { pid: number | null; command: string | null }): string {
	if (pid === null) return 'a process that cannot be seen from here';
	return `${command ?? 'a process'} (pid ${pid})`;
}

function reasonText(reason: PromiscuityReason): string {
	switch (reason.reason) {
		case 'administrator':
			return 'set by an administrator (IFF_PROMISC)';
		case 'port':
			return `port of ${reason.kind} ${reason.name}`;
		case 'lower_device':
			return `carries ${reason.kind} ${reason.name}`;
		case 'more_addresses':
			return `receives for ${reason.of.map((each) => each.name).join(', ')} too, without a filter for several addresses`;
		case 'packet_socket':
			return `held by ${holderText(reason)}`;
		case 'unexplained':
			return `${reason.count} by something that does not show (the counter alone)`;
	}
}

const reasonsText = (reasons: readonly PromiscuityReason[]): string =>
	reasons.map(reasonText).join('; ');

function where({ netns }: DeviceRef, topology: Topology): string {
	const namespace = topology.namespace(netns);
	return namespace ? describeNamespace(namespace) : `namespace ${netns}`;
}

function findingText(finding: PromiscuityFinding): string {
	return [
		`${paint.yellow(`${finding.finding}:`)} ${finding.message}`,
		...finding.remedy.map((command) => `    ${command}`),
	].join('\n');
}

function stateText({ topology, audit }: PromiscuityState): string {
	if (audit.interfaces.length === 0) return 'no interface is promiscuous';
	const rows = audit.interfaces.map((each) => [
		each.interface,
		where(each, topology),
		String(each.promiscuity),
		reasonsText(each.reasons),
	]);
	const lines = table([
		['INTERFACE', 'WHERE', 'PROMISCUITY'],
		...rows.map((row) => row.slice(0, 3)),
	]).split('\n');
	const [head, ...rest] = lines;
	return [
		`${head}  BECAUSE`,
		...rest.map((line, i) => `${line}  ${rows[i]?.[3]}`),
		...audit.findings.flatMap((finding) => ['', findingText(finding)]),
	].join('\n');
}

function jsonOf({ topology, audit }: PromiscuityState): string {
	const seen = new Set([...audit.interfaces, ...audit.findings].map((each) => each.netns));
	const namespaces = topology.namespaces.filter((each) => seen.has(each.inode));
	return JSON.stringify({ namespaces, ...audit });
}

function noteMissingSockets(audit: PromiscuityAudit): void {
	if (!audit.socketsKnown)
		printNotice({
			code: 'no_packet_diagnostics',
			message:
				'this kernel cannot say which processes hold packet sockets (CONFIG_PACKET_DIAG, module af_packet_diag)',
		});
}

const causeText = ({ by }: PromiscuityChange): string =>
	by
		.map((each) =>
			each.did === 'open' ? `, by ${holderText(each)}` : `, released by ${holderText(each)}`,
		)
		.join('');

function changeText(change: PromiscuityChange): string {
	const { time, namespace, before, after, since, gone } = change;
	const name = `${paint.bold(change.interface)} in ${describeNamespace(namespace)}`;
	const what = gone
		? 'is gone'
		: after === 0
			? paint.green('is no longer promiscuous')
			: paint.red(before === 0 ? 'became promiscuous' : `promiscuity ${before} -> ${after}`);
	const why = after > 0 ? `: ${reasonsText(change.reasons)}` : '';
	const began = after === 0 && since ? ` (it was since ${since})` : '';
	return `${paint.dim(time)} ${name} ${what}${causeText(change)}${why}${began}`;
}

function abortOnSignals(): AbortSignal {
	const controller = new AbortController();
	const abort = () => controller.abort();
	process.stdout.on('error', abort); // `xspan promisc --watch | head`: nobody reads any more
	for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(name, abort);
	return controller.signal;
}

async function watch(json: boolean): Promise<void> {
	const { changes, ...state } = watchPromiscuity({ signal: abortOnSignals() });
	noteMissingSockets(state.audit);
	console.log(json ? jsonOf(state) : stateText(state));
	if (!json) console.error(paint.dim('watching (Ctrl-C ends)'));
	for await (const change of changes)
		console.log(json ? JSON.stringify(change) : changeText(change));
}

export function promiscCommand(): Command {
	return new Command('promisc')
		.description(
			'say which interfaces are promiscuous, because of what, and what is wrong with that',
		)
		.option('--watch', 'go on, and print every change with the process behind it')
		.option('--json', 'print JSON; with --watch the state first, then a line for each change')
		.addHelpText('after', '\nLooks into all network namespaces, and changes nothing.')
		.action(async (options: { watch?: boolean; json?: boolean }) => {
			if (options.watch) return watch(options.json === true);
			const state = readPromiscuity();
			noteMissingSockets(state.audit);
			console.log(options.json ? jsonOf(state) : stateText(state));
		});
}
