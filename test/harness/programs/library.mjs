// library.mjs SCENARIO: a program that uses xspan as a library, on h0. Prints JSON lines: what it
// found, in the order of events. The test that runs it knows what must come out.
import { capture, mirror } from '../../../dist/index.js';

const say = (what) => console.log(JSON.stringify(what));
const spec = { sources: ['h0'], direction: 'rx' };

const scenarios = {
	/** All fields of all frames, until the count is reached. */
	async fields() {
		const session = await capture({ sources: ['h0'], direction: 'both', count: 4 });
		say('attached');
		for await (const batch of session.frames())
			for (const frame of batch)
				say({
					bytes: Buffer.from(frame.bytes).toString('hex'),
					timeNs: String(frame.timeNs),
					timeMs: frame.timeMs,
					wireLength: frame.wireLength,
					capturedLength: frame.capturedLength,
					interface: frame.interface,
					direction: frame.direction,
					vlan: frame.vlan,
					gso: frame.gso,
					segments: frame.segments,
				});
		say({ end: await session.done });
	},

	/** Where frames go next, and the frames themselves behind that. */
	async way() {
		const session = await capture({ ...spec, count: 1, otherInterface: true, wakeBytes: 2 ** 20 });
		say('attached');
		for await (const batch of session.frames())
			for (const frame of batch)
				say({
					bytes: Buffer.from(frame.bytes).toString('hex'),
					vlan: frame.vlan,
					otherInterface: frame.otherInterface,
					nextHop: frame.nextHop && [...frame.nextHop],
				});
		say({ end: await session.done });
	},

	async wayInFile() {
		const write = { path: process.argv[3] };
		const session = await capture({ ...spec, count: 1, otherInterface: true, write });
		say('attached');
		say({ end: await session.done });
	},

	async count() {
		const session = await capture({ ...spec, count: 5000 });
		say('attached');
		let frames = 0;
		let bytes = 0;
		for await (const batch of session.frames())
			for (const frame of batch) {
				frames++;
				bytes += frame.bytes.length;
			}
		say({ frames, bytes });
		say({ end: await session.done });
	},

	async break() {
		const session = await capture(spec);
		say('attached');
		for await (const batch of session.frames()) {
			say({ some: batch.length > 0 });
			break;
		}
		say({ end: await session.done });
	},

	async close() {
		const session = await capture(spec);
		say('attached');
		for await (const batch of session.frames()) {
			say({ some: batch.length > 0 });
			await session.close();
		}
		say({ end: await session.done });
	},

	async throw() {
		const session = await capture(spec);
		say('attached');
		try {
			for await (const batch of session.frames()) throw new Error(`of mine, ${batch.length > 0}`);
		} catch (error) {
			say({ caught: error.message });
		}
		say({ end: await session.done });
	},

	async uncaught() {
		const session = await capture(spec);
		say('attached');
		for await (const batch of session.frames()) throw new Error(`of mine, ${batch.length > 0}`);
	},

	/** The session is closed on the way out of a block, by a throw too. */
	async dispose() {
		let session;
		try {
			session = await capture(spec);
			say('attached');
			try {
				for await (const batch of session.frames()) {
					say({ some: batch.length > 0 });
					throw new Error('of mine');
				}
			} finally {
				await session[Symbol.asyncDispose]();
			}
		} catch (error) {
			say({ caught: error.message });
		}
		say({ end: await session.done });
	},

	/** Without a loop: what was captured is lost, and said to be. */
	async unread() {
		const session = await capture({ ...spec, count: 5000 });
		say('attached');
		say({ end: await session.done });
	},

	/** A consumer that is behind when the session ends gets what is left all the same. */
	async slow() {
		const session = await capture({ ...spec, count: 25_000 });
		say('attached');
		let frames = 0;
		for await (const batch of session.frames()) {
			frames += batch.length;
			await new Promise((done) => setTimeout(done, 200));
		}
		say({ frames });
		say({ end: await session.done });
	},

	async over() {
		const session = await capture(spec);
		say('attached');
		let last;
		for await (const batch of session.frames()) {
			if (last) {
				try {
					say(`still ${last.batch.at(0).wireLength}`);
				} catch (error) {
					say({ code: error.code });
				}
				try {
					say(`still ${last.view.bytes.length}`);
				} catch (error) {
					say({ code: error.code });
				}
				break;
			}
			last = { batch, view: batch.at(0) };
			say({ some: last.view.bytes.length });
		}
		say({ end: await session.done });
	},

	/** A mirror and two captures in one process, from one event loop. */
	async several() {
		const port = await mirror({ ...spec, to: { type: 'port', interface: 'm0' } });
		const sessions = [
			await capture({ ...spec, count: 1000 }),
			await capture({ ...spec, count: 900 }),
		];
		say('attached');
		const counts = await Promise.all(
			sessions.map(async (session) => {
				let frames = 0;
				for await (const batch of session.frames()) frames += batch.length;
				return frames;
			}),
		);
		say(counts);
		while (port.ledger().seen.frames < 1000) await new Promise((done) => setTimeout(done, 10));
		say({ mirrored: (await port.close()).ledger });
		for (const session of sessions) say({ end: await session.done });
	},
};

await scenarios[process.argv[2]]();
