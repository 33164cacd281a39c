/** The name of a collector, with a name server and a clock of the test; the sockets are real. */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Collector } from '../../../src/sflow/collector.ts';
import { DatagramAssembler } from '../../../src/sflow/datagram.ts';

const answers = vi.hoisted(() => ({ now: [] as { address: string; family: number }[] | Error }));

vi.mock('node:dns/promises', () => ({
	lookup: async () => {
		if (answers.now instanceof Error) throw answers.now;
		return answers.now;
	},
}));

const four = (address: string) => ({ address, family: 4 });

let collector: Collector;
let receivers: Socket[];
let port: number;

beforeEach(async () => {
	vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
	const first = createSocket('udp4').bind(0, '127.0.0.1');
	await once(first, 'listening');
	({ port } = first.address());
	const second = createSocket('udp4').bind(port, '127.0.0.2');
	await once(second, 'listening');
	receivers = [first, second];
	collector = new Collector({ host: 'collector.example', port });
});

afterEach(async () => {
	vi.useRealTimers();
	await collector.close(0);
	for (const receiver of receivers) receiver.close();
});

/** Waits for what real sockets do; the clock of the test stands still. */
async function settles(holds: () => boolean): Promise<void> {
	while (!holds()) await new Promise(setImmediate);
}

/** Sends one datagram; the number of the receiver that gets it. */
async function sendsTo(): Promise<number> {
	const assembler = new DatagramAssembler({
		agent: Uint8Array.of(192, 0, 2, 1),
		subAgent: 0,
		uptimeMs: () => 0,
		send: (datagram) => collector.send(datagram),
	});
	const got = Promise.race(receivers.map((receiver, i) => once(receiver, 'message').then(() => i)));
	assembler.add((xdr) => xdr.u32(0));
	assembler.flush();
	return got;
}

test('a name that changes is followed within a minute', async () => {
	answers.now = [four('127.0.0.1')];
	await collector.refresh();
	expect(await sendsTo()).toBe(0);
	answers.now = [four('127.0.0.2')];
	await vi.advanceTimersByTimeAsync(59_999);
	expect(collector.status.address).toBe('127.0.0.1');
	await vi.advanceTimersByTimeAsync(1);
	await settles(() => collector.status.address === '127.0.0.2');
	expect(await sendsTo()).toBe(1);
	await settles(() => collector.status.sent === 2);
	expect(collector.status).toMatchObject({ sent: 2, failed: 0, lastError: null });
});

test('of several addresses the one in use is kept', async () => {
	answers.now = [four('127.0.0.1'), four('127.0.0.2')];
	await collector.refresh();
	answers.now = [four('127.0.0.2'), four('127.0.0.1')];
	await vi.advanceTimersByTimeAsync(60_000);
	await new Promise(setImmediate);
	expect(await sendsTo()).toBe(0);
});

test('a name server that fails: the address stays, and it is asked again after a second', async () => {
	answers.now = [four('127.0.0.1')];
	await collector.refresh();
	answers.now = Object.assign(new Error('no such name'), { code: 'ENOTFOUND' });
	await vi.advanceTimersByTimeAsync(60_000);
	expect(collector.status).toMatchObject({ address: '127.0.0.1', lastError: 'ENOTFOUND' });
	expect(await sendsTo()).toBe(0);
	answers.now = [four('127.0.0.2')];
	await vi.advanceTimersByTimeAsync(1000);
	await settles(() => collector.status.address === '127.0.0.2');
	expect(await sendsTo()).toBe(1);
});

test('without any address datagrams fail, and are counted', async () => {
	answers.now = Object.assign(new Error('no such name'), { code: 'ENOTFOUND' });
	await collector.refresh();
	void sendsTo();
	expect(collector.status).toMatchObject({ address: null, sent: 0, failed: 1 });
});
