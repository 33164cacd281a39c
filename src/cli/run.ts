/** Runs a session from the command line: progress while it lives, a summary at its end. */
import {
	balances,
	type CommonSpec,
	type EndReason,
	EXIT,
	type Ledger,
	type MirrorPlan,
	mtuInForce,
	type Plan,
	type SessionEnd,
	type SflowSessionStatus,
	XspanError,
} from '../index.ts';
import {
	bold,
	dim,
	endText,
	formatBytes,
	ledgerTable,
	lostLines,
	printNotice,
	truncatedLines,
} from './print.ts';
import { sflowLines } from './sflow-status.ts';

export interface RunOptions {
	json?: boolean;
	interval: number;
	/** Standard output carries frames: everything else goes to standard error. */
	stdoutTaken: boolean;
}

/** What a session says of itself; an sFlow agent adds its own. */
type Live = Omit<SessionEnd, 'reason'> & { sflow?: SflowSessionStatus };
type End = Live & { reason: EndReason };
type State = Live & { reason?: EndReason };

/** Session, or SflowSession. */
interface Running {
	readonly name: string;
	readonly plan: Plan;
	readonly done: Promise<End>;
	state(): Live;
}

function jsonLine(session: string, { reason, ledger, taps, mirrorPort, sflow }: State): string {
	const line = {
		time: new Date().toISOString(),
		session,
		...(reason ? { end: reason } : {}),
		ledger,
		taps,
		...(mirrorPort ? { mirror_port: mirrorPort } : {}),
		...(sflow ? { sflow } : {}),
	};
	return `${JSON.stringify(line)}\n`;
}

/** Redraws a block of lines in place. */
class LiveBlock {
	private lines = 0;
	private readonly out: NodeJS.WriteStream;

	constructor(out: NodeJS.WriteStream) {
		this.out = out;
	}

	draw(text: string): void {
		const up = this.lines ? `\x1b[${this.lines}A` : '';
		this.out.write(`${up}\x1b[J${text}\n`);
		this.lines = text.split('\n').length;
	}

	/** What is printed next stays below. */
	release(): void {
		this.lines = 0;
	}
}

function describeMirror({ to, port: path }: MirrorPlan): string {
	const snaplen = path.snaplen === null ? '' : `, ${path.snaplen} bytes of each frame`;
	if ('interface' in to) {
		const vlan = to.type === 'rspan' ? `, remote VLAN ${to.vlan}` : '';
		return `${to.interface}${vlan}, MTU ${path.mtu}${snaplen}`;
	}
	const way = path.route
		? ` from ${path.route.source ?? 'any address'} through ${path.route.uplink}${path.route.gateway ? ` and ${path.route.gateway}` : ''}`
		: '';
	const fits =
		path.largestFrame === null
			? ''
			: `, MTU ${mtuInForce(path)}: frames of up to ${path.largestFrame} bytes fit`;
	return `${to.type} ${to.address}${way}${fits}${snaplen}`;
}

function describe(plan: Plan): string {
	const { destination } = plan;
	const taps = plan.taps.map((tap) => `${tap.source} ${tap.direction}`).join(', ');
	if (destination.type === 'port') return `mirroring ${taps} to ${destination.interface}`;
	if (destination.type === 'mirror-port')
		return `mirroring ${taps} to ${describeMirror(destination)}`;
	if (destination.type === 'frames') return `sampling ${taps}`;
	const file =
		destination.type === 'pcapng' && destination.path !== '-'
			? destination.path
			: 'standard output';
	const ring = plan.rings
		? `, ${plan.rings.count === 1 ? 'a ring' : `${plan.rings.count} rings`} of ${formatBytes(plan.rings.bytes)}`
		: '';
	return `capturing ${taps} to ${file}${ring}`;
}

/** A signal ends the session as --duration would; a second one ends the process. */
function abortOnSignals(out: NodeJS.WriteStream): { signal: AbortSignal; remove: () => void } {
	const controller = new AbortController();
	const abort = () => controller.abort();
	out.on('error', abort); // `xspan ... --json | head`: nobody reads any more
	const names = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
	for (const name of names) process.once(name, abort);
	return {
		signal: controller.signal,
		remove: () => {
			for (const name of names) process.off(name, abort);
		},
	};
}

const lossLines = (ledger: Ledger): string[] => [...lostLines(ledger), ...truncatedLines(ledger)];

function summary(plan: Plan, end: End): string {
	return [
		`session ${bold(plan.name)} ended: ${endText(end.reason)}`,
		ledgerTable(end.ledger, end.taps),
		...lossLines(end.ledger),
		...(end.sflow ? sflowLines(end.sflow) : []),
		dim(balances(end.ledger) ? 'the ledger balances: every frame is accounted for' : ''),
	]
		.filter(Boolean)
		.join('\n');
}

function exitCodeOf(end: End): number {
	if (!balances(end.ledger))
		throw new XspanError(
			'unexpected',
			'ledger_imbalance',
			`the ledger does not balance: ${end.ledger.in_flight.frames} frames are unaccounted for`,
			{
				hint: 'this is a defect: please report it with the output of --json',
			},
		);
	return end.reason === 'sources_gone' || end.reason === 'destination_gone'
		? EXIT.deviceGone
		: EXIT.ok;
}

/** Opens a session and stays with it until it ends. Returns the exit code. */
export async function runSession(
	open: (spec: Pick<CommonSpec, 'signal' | 'onNotice'>) => Promise<Running>,
	options: RunOptions,
): Promise<number> {
	const out = options.stdoutTaken ? process.stderr : process.stdout;
	const signals = abortOnSignals(out);
	const block = new LiveBlock(process.stderr);
	const isLive = !options.json && process.stderr.isTTY === true;
	const session = await open({
		signal: signals.signal,
		onNotice: (notice) => {
			block.release();
			if (options.json) process.stderr.write(`${JSON.stringify({ notice })}\n`);
			else printNotice(notice);
		},
	});
	if (!options.json) console.error(`${describe(session.plan)} ${dim('(Ctrl-C ends)')}`);
	const tick = () => {
		const state = session.state();
		if (options.json) out.write(jsonLine(session.name, state));
		else if (isLive)
			block.draw([ledgerTable(state.ledger, state.taps), ...lossLines(state.ledger)].join('\n'));
	};
	const timer = setInterval(tick, options.interval);
	const finalState = (end: End) => {
		clearInterval(timer);
		if (options.json) out.write(jsonLine(session.name, end));
		else {
			if (isLive) block.draw('');
			console.error(summary(session.plan, end));
		}
	};
	try {
		const end = await session.done.catch((error: unknown) => {
			finalState({ reason: 'failed', ...session.state() });
			throw error;
		});
		finalState(end);
		return exitCodeOf(end);
	} finally {
		signals.remove();
	}
}
