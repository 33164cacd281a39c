/** Records/s into a JavaScript loop that reads two fields of each, beside the npm package cap. */
import { cpus } from '../lib/cpus.mjs';
import { millions } from '../lib/format.mjs';
import { interleave } from '../lib/interleave.mjs';
import { median, ratios, spread } from '../lib/stats.mjs';
import { sleep } from '../lib/wait.mjs';
import { installCap } from '../sides/cap.mjs';

const REACH_PER_SECOND = 5e6;
const REACH_RATIO = 10;
const LENGTH = 60;
const BUFFER = 512 * 2 ** 20;
/** cap's ring has a place of 64 KiB for each frame, whatever its length. */
const CAP_HOLDS = 8000;

/** @typedef {import('../lib/row.mjs').Context} Context */

const withRate = (result) => ({ ...result, perSecond: (result.records / result.ms) * 1000 });

/** How fast the loop empties rings that were filled before; nothing else runs. */
async function xspanFilled(/** @type {Context} */ { lab, traffic, scale }) {
	const reader = lab.program('mon', 'read-xspan.mjs', String(BUFFER));
	await reader.message();
	await traffic.send(LENGTH, scale(2_000_000));
	await reader.ask({ do: 'read' });
	const result = await reader.ask({ do: 'all' });
	await reader.closed;
	return withRate(result);
}

async function capFilled(/** @type {Context} */ { lab, traffic }, cap) {
	const reader = lab.program('mon', 'read-cap.mjs', cap.directory, String(BUFFER));
	await reader.message();
	await traffic.send(LENGTH, 200_000); // compiles its loop
	await reader.ask({ do: 'hold', ms: 500 });
	await sleep(50);
	await traffic.send(LENGTH, CAP_HOLDS);
	const result = await reader.ask({ do: 'all' });
	await reader.closed;
	return withRate(result);
}

/** What arrives while the source sends at full speed. */
async function xspanLive(/** @type {Context} */ { lab, traffic, scale }) {
	const reader = lab.program('mon', 'read-xspan.mjs', String(BUFFER));
	await reader.message();
	reader.pin(cpus.consumer);
	await reader.ask({ do: 'read' });
	const load = await traffic.send(LENGTH, scale(2_000_000));
	const result = await reader.ask({ do: 'all' });
	await reader.closed;
	return { load, ...withRate(result) };
}

async function capLive(/** @type {Context} */ { lab, traffic, scale }, cap) {
	const reader = lab.program('mon', 'read-cap.mjs', cap.directory, String(BUFFER));
	await reader.message();
	reader.pin(cpus.consumer);
	const load = await traffic.send(LENGTH, scale(2_000_000));
	const result = await reader.ask({ do: 'all' });
	await reader.closed;
	return { load, ...withRate(result) };
}

const rates = (results) => results.map((each) => each.perSecond);

function row(what, { xspan, cap }, why) {
	const ratio = cap ? ratios(rates(xspan), rates(cap)) : null;
	return {
		what,
		xspan: millions(median(rates(xspan))),
		peer: cap ? `cap ${millions(median(rates(cap)))}` : `cap: not built (${why})`,
		ratio: ratio ? spread(ratio, 1) : '-',
		raw: { xspan, cap },
		median: { rate: median(rates(xspan)), ratio: ratio ? median(ratio) : null },
	};
}

function filledRow(results, why) {
	const { median: reached, ...rest } = row(
		'records/s into a JS loop, rings filled first',
		results,
		why,
	);
	const fast = reached.rate >= REACH_PER_SECOND;
	return {
		...rest,
		reach: `>= ${REACH_PER_SECOND / 1e6} M/s and >= ${REACH_RATIO} x cap`,
		met: fast && (reached.ratio === null ? null : reached.ratio >= REACH_RATIO),
		notes: [
			'no traffic during the measurement, not pinned: JavaScript and the drain thread on two CPUs',
		],
	};
}

function liveRow(results, why) {
	const { median: _, ...rest } = row('records/s into a JS loop, live', results, why);
	const lost = results.xspan.reduce((sum, each) => sum + each.lost, 0);
	const source = median(results.xspan.map((each) => each.load.perSecond));
	return {
		...rest,
		reach: 'what the source sends',
		met: lost === 0,
		notes: [`the source sends ${millions(source)} beside xspan; lost by xspan: ${lost}`],
	};
}

export const delivery = {
	name: 'delivery',
	async run(/** @type {Context} */ context) {
		context.progress('installing cap');
		const { cap, why } = installCap();
		const measure = (title, xspan, peer) =>
			interleave(
				context.pairs,
				{ xspan: () => xspan(context), ...(cap ? { cap: () => peer(context, cap) } : {}) },
				(text) => context.progress(`${title}, ${text}`),
			);
		const filled = await measure('filled', xspanFilled, capFilled);
		const live = await measure('live', xspanLive, capLive);
		return [filledRow(filled, why), liveRow(live, why)];
	},
};
