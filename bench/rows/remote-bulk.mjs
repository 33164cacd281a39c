/** Bulk TCP, mirrored whole: how much of its payload arrives at the collector, and as what. */
import { percent } from '../lib/format.mjs';
import { interleave } from '../lib/interleave.mjs';
import { median, spread } from '../lib/stats.mjs';
import { sleep } from '../lib/wait.mjs';
import { numberIn } from '../sides/capturer.mjs';
import { tcVxlan, xspanVxlan } from '../sides/mirrors.mjs';

const CLIENT = '10.9.0.1';
const SERVER = '10.9.0.2';
const GIGABITS = 5;
const SECONDS = 10;
/** What "5 Gbit/s" may be, as iperf3 counts it. */
const RATE_TOLERANCE = 0.98;
const SETTLE_MS = 300;
/** Ethernet, IPv4, TCP with timestamps. */
const HEADERS = 14 + 20 + 32;
/** Ethernet, IPv4, UDP, VXLAN. */
const OUTER_HEADERS = 14 + 20 + 8 + 8;
/** The longest that goes through the uplink as one frame. */
const LONGEST = 14 + 1600;
/** What a collector should not have to see. Their filters run in the kernel. */
const ODD = {
	fragments: 'ip[6:2] & 0x3fff != 0',
	superFrames: `greater ${LONGEST + 1}`,
};

/** @typedef {import('../lib/row.mjs').Context} Context */
/** @typedef {import('../lib/lab.mjs').Lab} Lab */

/** Counts the odd ones among the copies: {fragments, superFrames}, once it is told to stop. */
async function watch(/** @type {Lab} */ lab) {
	const watchers = Object.entries(ODD).map(([name, filter]) => {
		const options = ['-i', 'col0', '-n', '-s', '64', '-w', '/dev/null', '-Z', 'root'];
		return { name, tcpdump: lab.start('ids', ['tcpdump', ...options, filter]) };
	});
	for (const { tcpdump } of watchers) await tcpdump.says(/listening on/);
	return async () => {
		const counts = {};
		for (const { name, tcpdump } of watchers) {
			await tcpdump.stop();
			counts[name] = numberIn(tcpdump.stderr, /(\d+) packets? received by filter/);
		}
		return counts;
	};
}

/** Sends, and says what TCP delivered: {bytes, gigabits, retransmits}. */
async function transfer(/** @type {Lab} */ lab, /** @type {number} */ seconds) {
	const server = lab.start('mon', ['iperf3', '-s', '-1', '-B', SERVER, '--forceflush']);
	await server.says(/listening/);
	const options = ['-b', `${GIGABITS}G`, '-t', String(seconds), '-J'];
	const client = lab.start('src', ['iperf3', '-c', SERVER, ...options]);
	await client.closed;
	await server.closed;
	const { end, error } = JSON.parse(client.stdout);
	if (error) throw client.failure(error);
	const { bytes, bits_per_second } = end.sum_received;
	return { bytes, gigabits: bits_per_second / 1e9, retransmits: end.sum_sent.retransmits };
}

/** Reads what an interface has received since now. */
function interfaceStatistics(/** @type {Lab} */ lab, role, /** @type {string} */ name) {
	const before = lab.statistics(role, name);
	return () => {
		const now = lab.statistics(role, name);
		return { packets: now.packets - before.packets, bytes: now.bytes - before.bytes };
	};
}

async function mirrored(/** @type {Context} */ { lab, scale }, side) {
	const session = await side(lab);
	const stopWatching = await watch(lab);
	const readSource = interfaceStatistics(lab, 'mon', 'mon0');
	const readCopies = interfaceStatistics(lab, 'ids', 'col0');
	const sent = await transfer(lab, scale(SECONDS));
	await sleep(SETTLE_MS);
	const copies = readCopies();
	const source = readSource();
	const odd = await stopWatching();
	return {
		...sent,
		frames: copies.packets,
		payload: copies.bytes - copies.packets * (OUTER_HEADERS + HEADERS),
		received: source.bytes - source.packets * HEADERS,
		...odd,
		...(await session.stop()),
	};
}

const share = (each) => each.payload / each.received;

function delivered(name, all) {
	const total = (field) => all.reduce((sum, each) => sum + each[field], 0);
	return `${name}: ${total('frames')} frames arrived, ${(total('payload') / total('frames')).toFixed(0)} bytes of payload each; ${total('superFrames')} of them super-frames, ${total('fragments')} fragments; ${total('retransmits')} segments sent twice; ${spread(all.map((each) => each.gigabits))} Gbit/s`;
}

async function measure(/** @type {Context} */ context) {
	const { xspan, tc } = await interleave(
		context.pairs,
		{
			xspan: () => mirrored(context, xspanVxlan),
			tc: () => mirrored(context, tcVxlan),
		},
		context.progress,
	);
	const least = Math.min(...xspan.map(share));
	const rate = median(xspan.map((each) => each.gigabits));
	const whole = xspan.every((each) => !each.fragments && !each.superFrames && !each.lost);
	return {
		what: `payload of bulk TCP in copies, at ${rate.toFixed(2)} Gbit/s`,
		xspan: percent(median(xspan.map(share))),
		peer: `tc mirred to vxlan ${percent(median(tc.map(share)))}`,
		ratio: `at least ${percent(least)}`,
		reach: `100 % at ${GIGABITS} Gbit/s`,
		met: least >= 0.9999 && whole && rate >= RATE_TOLERANCE * GIGABITS,
		notes: [
			delivered('xspan', xspan),
			delivered('tc', tc),
			`lost by xspan, as it says: ${spread(
				xspan.map((each) => each.lost),
				0,
			)} frames`,
		],
		raw: { xspan, tc },
	};
}

export const remoteBulk = {
	name: 'remote-bulk',
	async run(/** @type {Context} */ context) {
		const { lab } = context;
		const address = (/** @type {string} */ command) => {
			lab.exec('src', 'ip', 'address', command, `${CLIENT}/24`, 'dev', 'tx0');
			lab.exec('mon', 'ip', 'address', command, `${SERVER}/24`, 'dev', 'mon0');
		};
		address('add');
		try {
			return [await measure(context)];
		} finally {
			address('del');
		}
	},
};
