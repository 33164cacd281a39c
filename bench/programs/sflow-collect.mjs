// sflow-collect.mjs PORT: takes sFlow datagrams (compact samples) on loopback and looks for gaps in
// every sequence. Answers any message with what it has got.
import { createSocket } from 'node:dgram';

const HEADER = { sequence: 16, samples: 24, length: 28 }; // with an IPv4 agent address
const FLOW = 1;
const COUNTERS = 2;

const report = { datagrams: 0, flowSamples: 0, counterSamples: 0, gaps: 0, pool: 0, drops: 0 };
/** @type {Map<string, number>} */
const sequences = new Map();

function follow(/** @type {string} */ what, /** @type {number} */ sequence) {
	if (sequence !== (sequences.get(what) ?? 0) + 1) report.gaps++;
	sequences.set(what, sequence);
}

function takeSample(/** @type {Buffer} */ sample, /** @type {number} */ format) {
	const [sequence, source] = [sample.readUInt32BE(0), sample.readUInt32BE(4)];
	if (format !== FLOW && format !== COUNTERS) throw new Error(`sample format ${format}`);
	follow(`${format} of ${source}`, sequence);
	if (format === COUNTERS) {
		report.counterSamples++;
		return;
	}
	report.flowSamples++;
	report.pool = sample.readUInt32BE(12);
	report.drops = sample.readUInt32BE(16);
}

const socket = createSocket({ type: 'udp4', recvBufferSize: 2 ** 20 });
socket.on('message', (datagram) => {
	report.datagrams++;
	follow('datagrams', datagram.readUInt32BE(HEADER.sequence));
	let at = HEADER.length;
	for (let left = datagram.readUInt32BE(HEADER.samples); left > 0; left--) {
		const [format, length] = [datagram.readUInt32BE(at), datagram.readUInt32BE(at + 4)];
		takeSample(datagram.subarray(at + 8, at + 8 + length), format);
		at += 8 + length;
	}
});
process.on('message', () => process.send?.(report));
socket.on('error', (error) => {
	throw error;
});
socket.on('listening', () => process.send?.({ ready: true }));
socket.bind(Number(process.argv[2]), '127.0.0.1');
