/** What many filtered sessions on one interface cost a frame that all of them reject, beside one. */
import { baselineOf, compareCosts, costs, measureCosts, sendBursts } from '../lib/cost.mjs';
import { cpus } from '../lib/cpus.mjs';
import { nanoseconds } from '../lib/format.mjs';
import { median, spread } from '../lib/stats.mjs';

const SESSIONS = 32;
const LENGTH = 60; // 64 with the FCS
const FIRST_PORT = 10_000;

/** A load through so many sessions; each must have rejected all of it. */
async function through({ lab }, sessions, load) {
	const program = lab.program('mon', 'many.mjs', 'mon0', String(sessions), String(FIRST_PORT));
	await program.message();
	program.pin(cpus.consumer);
	const sent = await load();
	const ledgers = await program.ask({ do: 'end' });
	await program.closed;
	const wrong = ledgers.find((ledger) => ledger.filtered.frames !== sent.received);
	if (wrong)
		throw new Error(`of ${sent.received} frames a session has rejected ${wrong.filtered.frames}`);
	return sent;
}

export const many = {
	name: 'many',
	/** @param {import('../lib/row.mjs').Context} context */
	async run(context) {
		const load = () => sendBursts(context.traffic, LENGTH, context.scale(2_000_000));
		const rounds = await measureCosts(context, load, {
			many: () => through(context, SESSIONS, load),
			one: () => through(context, 1, load),
		});
		const ofMany = costs(rounds, 'many');
		const ofOne = costs(rounds, 'one');
		return [
			{
				what: `cost of ${SESSIONS} filtered sessions on one interface, per frame`,
				xspan: nanoseconds(median(ofMany)),
				peer: `one session ${nanoseconds(median(ofOne))}`,
				...compareCosts(ofMany, ofOne, SESSIONS),
				reach: `<= ${SESSIONS}`,
				notes: [
					`64 B frames that every filter rejects, on top of a baseline of ${nanoseconds(baselineOf(rounds))}`,
					`all, in ns: ${SESSIONS} sessions ${spread(ofMany, 0)}, one ${spread(ofOne, 0)}; each further one ${nanoseconds((median(ofMany) - median(ofOne)) / (SESSIONS - 1))}`,
				],
				raw: rounds,
			},
		];
	},
};
