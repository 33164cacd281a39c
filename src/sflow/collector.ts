/**
 * Sends datagrams to one collector. It never throws and never waits: what the collector, the route
 * or the name server do is counted here and nowhere else noticed.
 */
import { createSocket, type Socket } from 'node:dgram';
import { lookup } from 'node:dns/promises';
import { hasCode, isSystemError } from '../errors.ts';
import type { Datagram } from './datagram.ts';
import { asText, type CollectorAddress } from './spec.ts';

export interface CollectorStatus {
	/** As it was named: HOST:PORT. */
	collector: string;
	/** What the name stands for now; null: not known. */
	address: string | null;
	/** Datagrams. Sent: the kernel has taken them. */
	sent: number;
	/** The kernel refused them, or there is no address to send to. */
	failed: number;
	/** The queue in front of the kernel was full. */
	dropped: number;
	/** ICMP messages that nobody listens there. */
	refused: number;
	/** Code of the last failure, such as ENETUNREACH. */
	lastError: string | null;
}

/**
 * Datagrams that wait for room in the socket's buffer. Node reports what the kernel has taken in the
 * next turn of the event loop only: there is room for what a whole slab of samples makes.
 */
const QUEUE_MOST = 4096;

const RESOLVE_MS = 60_000;

/** After a failure that a new socket, or a new address, may end. */
const RETRY_MS = 1000;

interface Connection {
	socket: Socket;
	address: string;
}

export class Collector {
	readonly target: CollectorAddress;
	private connection: Connection | null = null;
	private timer: NodeJS.Timeout | null = null;
	/** The socket is to be replaced. */
	private stale = false;
	private closed = false;
	private inFlight = 0;
	private whenEmpty: (() => void) | null = null;
	private readonly counts = { sent: 0, failed: 0, dropped: 0, refused: 0 };
	private lastError: string | null = null;

	constructor(target: CollectorAddress) {
		this.target = target;
	}

	get status(): CollectorStatus {
		return {
			collector: asText(this.target),
			address: this.connection?.address ?? null,
			...this.counts,
			lastError: this.lastError,
		};
	}

	/** Resolves the name and connects; from then on again every minute. Settles after the first try. */
	async refresh(): Promise<void> {
		if (this.stale) this.replace(null);
		this.stale = false;
		let failed = false;
		try {
			await this.resolveAndConnect();
		} catch (error) {
			this.note(error);
			failed = true;
		}
		this.schedule(failed || this.stale ? RETRY_MS : RESOLVE_MS);
	}

	send(datagram: Datagram): void {
		if (!this.connection) {
			this.counts.failed++;
			return;
		}
		if (this.inFlight >= QUEUE_MOST) {
			this.counts.dropped++;
			datagram.countLost();
			return;
		}
		this.inFlight++;
		datagram.hold();
		this.connection.socket.send(datagram.bytes, (error) => this.sent(datagram, error));
	}

	/** Waits until the queue is empty, at most so long, and ends. */
	async close(waitMs: number): Promise<void> {
		this.closed = true;
		if (this.timer) clearTimeout(this.timer);
		if (this.inFlight > 0) await this.emptied(waitMs);
		this.connection?.socket.close();
		this.connection = null;
	}

	private async emptied(waitMs: number): Promise<void> {
		let timer: NodeJS.Timeout | undefined;
		await new Promise<void>((resolve) => {
			this.whenEmpty = resolve;
			timer = setTimeout(resolve, waitMs);
		});
		clearTimeout(timer);
	}

	private sent(datagram: Datagram, error: Error | null): void {
		this.inFlight--;
		if (!error) this.counts.sent++;
		else {
			this.counts.failed++;
			if (hasCode(error, 'ENOBUFS')) datagram.countLost();
			this.note(error);
			// A new socket ends neither of these, and would lose the message that ends them.
			if (!hasCode(error, 'ECONNREFUSED', 'ENOBUFS')) this.retry();
		}
		datagram.release();
		if (this.inFlight === 0) this.whenEmpty?.();
	}

	/** Routes and addresses of this host may have changed: a connected socket keeps its own. */
	private retry(): void {
		if (this.stale) return;
		this.stale = true;
		this.schedule(RETRY_MS);
	}

	private schedule(ms: number): void {
		if (this.timer) clearTimeout(this.timer);
		this.timer = this.closed ? null : setTimeout(() => void this.refresh(), ms);
	}

	private async resolveAndConnect(): Promise<void> {
		const { host, port } = this.target;
		const answers = await lookup(host, { all: true });
		const now = this.connection?.address;
		// Names with several addresses answer in changing order: stay with the one in use.
		const answer = answers.find(({ address }) => address === now) ?? answers[0];
		if (!answer || answer.address === now || this.closed) return;
		const socket = await connect(answer.address, answer.family, port, (error) => this.note(error));
		if (this.closed) socket.close();
		else this.replace({ socket, address: answer.address });
	}

	private replace(connection: Connection | null): void {
		this.connection?.socket.close();
		this.connection = connection;
	}

	private note(error: unknown): void {
		if (hasCode(error, 'ECONNREFUSED')) this.counts.refused++;
		this.lastError = isSystemError(error) ? error.code : String(error);
	}
}

/** Connected, so that the kernel tells of ICMP errors. */
function connect(
	address: string,
	family: number,
	port: number,
	onError: (error: Error) => void,
): Promise<Socket> {
	return new Promise((resolve, reject) => {
		const socket = createSocket(family === 6 ? 'udp6' : 'udp4');
		socket.on('error', onError);
		// Node's types leave out that the callback gets the error.
		const connected = (error?: Error): void => {
			if (!error) return resolve(socket);
			socket.close();
			reject(error);
		};
		socket.connect(port, address, connected);
	});
}
