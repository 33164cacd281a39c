/** xspan as its users run it: the command line, as built. */
import { cpus } from '../lib/cpus.mjs';
import { cli } from '../lib/lab.mjs';

/** Starts a session and returns once it is attached. */
export async function startXspan(
	/** @type {import('../lib/lab.mjs').Lab} */ lab,
	/** @type {string[]} */ ...args
) {
	const interval = args.includes('--interval') ? [] : ['--interval', '200ms'];
	const command = [process.execPath, cli, ...args, '--json', ...interval];
	const session = lab.start('mon', command);
	await session.says(/"ledger"/);
	return session.pin(cpus.consumer);
}

/** Ends it and returns its final ledger. */
export async function stopXspan(/** @type {import('../lib/process.mjs').Process} */ session) {
	await session.stop();
	if (session.child.exitCode !== 0)
		throw session.failure(
			`exit code ${session.child.exitCode}\n${session.stdout.trim().split('\n').at(-1)}`,
		);
	return JSON.parse(session.stdout.trim().split('\n').at(-1) ?? '').ledger;
}

/** A capture to /dev/null with those options. */
export const xspanCapture = (/** @type {string[]} */ ...args) => ({
	name: 'xspan',
	/** @returns {Promise<import('./capturer.mjs').Running>} */
	async start(/** @type {import('../lib/lab.mjs').Lab} */ lab) {
		const fixed = ['capture', 'mon0', '-w', '/dev/null', '--force', '--direction', 'rx'];
		const session = await startXspan(lab, ...fixed, ...args);
		return {
			process: session,
			async stop() {
				const ledger = await stopXspan(session);
				return { captured: ledger.delivered.frames, lost: ledger.lost.frames, ledger };
			},
		};
	},
});
