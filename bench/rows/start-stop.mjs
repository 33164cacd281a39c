/** From process start to attached, from Ctrl-C to gone. */
import { milliseconds } from '../lib/format.mjs';
import { cli } from '../lib/lab.mjs';
import { median } from '../lib/stats.mjs';

const REACH_ATTACHED_MS = 300;
const REACH_GONE_MS = 500;
const COMMANDS = {
	mirror: ['mirror', 'mon0', '--to', 'port:port0'],
	capture: ['capture', 'mon0', '-w', '/dev/null', '--force'],
};

function row(what, values, reach, raw) {
	return {
		what,
		xspan: `${milliseconds(median(values))} (max ${milliseconds(Math.max(...values))})`,
		peer: '-',
		ratio: '-',
		reach: `<= ${milliseconds(reach)}`,
		met: median(values) <= reach,
		raw,
	};
}

/** @param {import('../lib/row.mjs').Context} context */
async function measure({ lab, quick, progress }, name) {
	const runs = quick ? 4 : 15;
	progress(`${name}, ${runs} runs`);
	const command = [process.execPath, cli, ...COMMANDS[name]];
	const results = await lab
		.program('mon', 'start-stop.mjs', 'mon0', String(runs), ...command)
		.message();
	const values = (field) => results.map((each) => each[field]);
	const attached = row(
		`${name}: from process start to attached`,
		values('attachedMs'),
		REACH_ATTACHED_MS,
		results,
	);
	const said = `its first line on stderr, median: ${milliseconds(median(values('saidMs')))}`;
	return [
		{ ...attached, notes: [`not pinned, no traffic; ${said}`] },
		row(`${name}: from Ctrl-C to gone`, values('goneMs'), REACH_GONE_MS, results),
	];
}

export const startStop = {
	name: 'start-stop',
	/** @param {import('../lib/row.mjs').Context} context */
	async run(context) {
		const rows = [];
		for (const name of Object.keys(COMMANDS)) rows.push(...(await measure(context, name)));
		return rows;
	},
};
