/** What does not fit is cut and marked, or lost with its reason; what would make it fit is said, and true. */
import { expect, test } from 'vitest';
import { udpFrame } from '../harness/frames.ts';
import { type Host, Lab } from '../harness/lab.ts';
import { observe } from '../harness/observed.ts';
import {
	COLLECTOR,
	Collector,
	decode,
	destination,
	FAMILIES,
	FORMATS,
	inner,
	overhead,
	RSPAN_ONLY,
	remote,
	sendAll,
} from '../harness/remote.ts';

const FULL = udpFrame(1514);
const FULL_TAGGED = udpFrame(1514, { tags: [{ id: 42 }] });
const SMALL = udpFrame(100);

interface Notice {
	code: string;
	message: string;
}

const notices = (stderr: string): Notice[] =>
	stderr
		.split('\n')
		.filter((line) => line.startsWith('{"notice"'))
		.map((line) => JSON.parse(line).notice as Notice);

const setMtu = (host: Host, name: string, mtu: number): string =>
	host.ip('link', 'set', name, 'mtu', String(mtu));

const rows = Object.values(FORMATS).flatMap((format) =>
	(format === FORMATS.erspan2 ? FAMILIES : [4 as const]).map((family) => ({ ...format, family })),
);

test.each(rows)(
	'$what over IPv$family: frames are cut to the MTU, and the one in the notice is enough',
	async (format) => {
		await using lab = new Lab();
		const { client, host, collector } = remote(lab);
		const { family } = format;
		setMtu(collector, 'k0', 9000);
		const frames = [SMALL, FULL, FULL_TAGGED];
		const bytes = frames.reduce((sum, frame) => sum + frame.length, 0);
		const args = ['mirror', 'h0', '--to', destination(format, family), '--direction', 'rx'];
		const most = 1500 + 14 - overhead(format, family);

		const ear = await Collector.start(collector, lab);
		const session = await observe(host, ...args);
		const [notice] = notices(session.run.stderr);
		expect(notice?.code).toBe('mtu_too_small');
		expect(notice?.message).toContain(`more than ${most} bytes will be truncated`);
		await sendAll(client, 'c0', frames);
		await session.sees(3);
		const { line } = await session.stop();
		expect(line.ledger.delivered).toEqual({ frames: 3, bytes });
		const cut = { frames: 2, bytes: FULL.length + FULL_TAGGED.length };
		expect(line.mirror_port?.truncated).toEqual(cut);
		const arrived = await ear.collects(3);
		expect(arrived.map((frame) => inner(frame, format, family))).toEqual(
			frames.map((frame) => frame.subarray(0, most).toString('hex')),
		);
		const marks = decode(ear.file, ['erspan.truncated']).map((row) => row['erspan.truncated'][0]);
		const isMarked = format.protocol === 'erspan' && format.bytes > 4;
		expect(marks).toEqual(isMarked ? ['0', '1', '1'] : [undefined, undefined, undefined]);

		const enough = Number(/ip link set u0 mtu (\d+)/.exec(notice?.message ?? '')?.[1]);
		setMtu(host, 'u0', enough);
		const whole = await Collector.start(collector, lab);
		const again = await observe(host, ...args);
		expect(notices(again.run.stderr)).toEqual([]);
		await sendAll(client, 'c0', frames);
		await again.sees(3);
		const second = await again.stop();
		expect(second.line.mirror_port?.truncated.frames).toBe(0);
		expect((await whole.collects(3)).map((frame) => inner(frame, format, family))).toEqual(
			frames.map((frame) => frame.toString('hex')),
		);
		// And not more than enough: the longest frame fills it.
		expect(enough).toBe(FULL_TAGGED.length + overhead(format, family) - 14);
	},
);

test('--oversize drop loses what does not fit, with that reason', async () => {
	await using lab = new Lab();
	const { client, host, collector } = remote(lab);
	const ear = await Collector.start(collector, lab);
	const to = destination(FORMATS.vxlan, 4);
	const args = ['mirror', 'h0', '--to', to, '--direction', 'rx', '--oversize', 'drop'];
	const session = await observe(host, ...args);
	expect(notices(session.run.stderr)[0]?.message).toContain('will be lost');
	const fits = udpFrame(1464);
	await sendAll(client, 'c0', [SMALL, FULL, fits, udpFrame(1465)]);
	await session.sees(4);
	const { line } = await session.stop();
	expect(line.ledger.lost_by).toEqual({ oversize: { frames: 2, bytes: FULL.length + 1465 } });
	expect(line.mirror_port?.truncated.frames).toBe(0);
	const arrived = await ear.collects(2);
	expect(arrived.map((frame) => inner(frame, FORMATS.vxlan, 4))).toEqual(
		[SMALL, fits].map((frame) => frame.toString('hex')),
	);
});

test("--mtu of a narrower way than the uplink's", async () => {
	await using lab = new Lab();
	const { client, host, collector } = remote(lab, { uplinkMtu: 9000 });
	const ear = await Collector.start(collector, lab);
	const format = FORMATS.erspan2;
	const args = ['mirror', 'h0', '--to', destination(format, 6), '--direction', 'rx'];
	const session = await observe(host, ...args, '--mtu', '1280');
	await sendAll(client, 'c0', [FULL]);
	await session.sees(1);
	const { line } = await session.stop();
	expect(line.mirror_port?.truncated.frames).toBe(1);
	const [frame] = await ear.collects(1);
	expect(frame).toHaveLength(1280 + 14);
	expect(inner(frame as Buffer, format, 6)).toBe(
		FULL.subarray(0, 1280 + 14 - overhead(format, 6)).toString('hex'),
	);
});

test.each([
	{ family: 4, prefix: 32, mtu: ['mtu', 'lock', '1400'] },
	{ family: 6, prefix: 128, mtu: ['mtu', 'lock', '1400'] },
] as const)('the MTU of a route that changes under a session: IPv$family', async (row) => {
	await using lab = new Lab();
	const { client, host, collector } = remote(lab, { uplinkMtu: 2000 });
	const ear = await Collector.start(collector, lab);
	const to = destination(FORMATS.vxlan, row.family);
	const session = await observe(host, 'mirror', 'h0', '--to', to, '--direction', 'rx');
	await sendAll(client, 'c0', [FULL]);
	await ear.waits(1);
	const route = `${COLLECTOR[row.family]}/${row.prefix}`;
	host.ip('route', 'add', route, 'dev', 'u0', ...row.mtu);
	await sendAll(client, 'c0', [FULL]);
	await session.sees(2);
	const { line } = await session.stop();
	expect(line.mirror_port?.truncated.frames).toBe(1);
	const lengths = (await ear.collects(2)).map((frame) => frame.length);
	expect(lengths).toEqual([FULL.length + overhead(FORMATS.vxlan, row.family), 1400 + 14]);
});

test.each(FAMILIES)('jumbo frames arrive whole over a jumbo uplink: IPv%i', async (family) => {
	await using lab = new Lab();
	const { client, host, collector } = remote(lab, { mtu: 9000, uplinkMtu: 9200 });
	for (const format of [FORMATS.geneveMeta, FORMATS.erspan3]) {
		const ear = await Collector.start(collector, lab);
		const to = destination(format, family);
		const session = await observe(host, 'mirror', 'h0', '--to', to);
		expect(notices(session.run.stderr)).toEqual([]);
		const jumbo = udpFrame(9014);
		await sendAll(client, 'c0', [jumbo]);
		await session.sees(1);
		await sendAll(host, 'h0', [jumbo]);
		await session.sees(2);
		const { line } = await session.stop();
		expect(line.mirror_port?.truncated.frames).toBe(0);
		const arrived = await ear.collects(2);
		expect(arrived.map((frame) => inner(frame, format, family))).toEqual([
			jumbo.toString('hex'),
			jumbo.toString('hex'),
		]);
		const status = decode(ear.file, ['udp.checksum.status', 'erspan.bso']);
		for (const row of status)
			expect(row['udp.checksum.status'].filter((each) => !'13'.includes(each))).toEqual([]);
	}
});

test.each(FAMILIES)(
	'--snaplen of a tunnel marks and keeps the original length: IPv%i',
	async (family) => {
		await using lab = new Lab();
		const { client, host, collector } = remote(lab);
		for (const format of [FORMATS.erspan3, FORMATS.geneveMeta]) {
			const ear = await Collector.start(collector, lab);
			const to = destination(format, family);
			const args = ['mirror', 'h0', '--to', to, '--direction', 'rx', '--snaplen', '128'];
			const session = await observe(host, ...args);
			expect(notices(session.run.stderr), 'no MTU is too small for 128 bytes').toEqual([]);
			await sendAll(client, 'c0', [SMALL, udpFrame(129), FULL]);
			await session.sees(3);
			const { line } = await session.stop();
			expect(line.ledger.delivered).toEqual({ frames: 3, bytes: 100 + 129 + 1514 });
			const arrived = await ear.collects(3);
			expect(arrived.map((frame) => inner(frame, format, family))).toEqual(
				[SMALL, udpFrame(129), FULL].map((frame) => frame.subarray(0, 128).toString('hex')),
			);
			const decoded = decode(ear.file, ['erspan.truncated', 'geneve.option.unknown.data']);
			if (format === FORMATS.erspan3)
				expect(decoded.map((row) => row['erspan.truncated'][0])).toEqual(['0', '1', '1']);
			else
				expect(
					decoded.map((row) => Number.parseInt(row['geneve.option.unknown.data'][1] ?? '', 16)),
				).toEqual([100, 129, 1514]);
		}
	},
);

test('--snaplen of RSPAN and of a plain port', async () => {
	await using lab = new Lab();
	const { client, host, collector } = remote(lab);
	const before = JSON.parse(host.ip('-json', 'link', 'show')).length as number;
	const frames = [SMALL, FULL, udpFrame(300, { tags: [{ id: 42, priority: 5 }] })];
	const cut = frames.map((frame) => frame.subarray(0, 128));
	const mirror = async (to: string, ear: Collector) => {
		const args = ['mirror', 'h0', '--to', to, '--direction', 'rx', '--snaplen', '128'];
		const session = await observe(host, ...args);
		expect(JSON.parse(host.ip('-json', 'link', 'show'))).toHaveLength(before + 2);
		await sendAll(client, 'c0', frames);
		await session.sees(3);
		await session.stop();
		return (await ear.collects(3)).map((frame) => frame.toString('hex'));
	};
	const trunk = await Collector.start(collector, lab, 'k0', RSPAN_ONLY);
	const tag = Buffer.from('81000384', 'hex');
	expect(await mirror('rspan:u0?vlan=900', trunk)).toEqual(
		cut.map((frame) =>
			Buffer.concat([frame.subarray(0, 12), tag, frame.subarray(12)]).toString('hex'),
		),
	);
	const port = await Collector.start(collector, lab);
	expect(await mirror('port:u0', port)).toEqual(cut.map((frame) => frame.toString('hex')));
});

test('RSPAN needs no more than the MTU of the source', async () => {
	await using lab = new Lab();
	const { client, host, collector } = remote(lab);
	const ear = await Collector.start(collector, lab, 'k0', RSPAN_ONLY);
	const args = ['mirror', 'h0', '--to', 'rspan:u0?vlan=900', '--direction', 'rx'];
	const session = await observe(host, ...args);
	expect(notices(session.run.stderr)).toEqual([]);
	await sendAll(client, 'c0', [FULL]);
	await session.sees(1);
	const { line } = await session.stop();
	expect(line.mirror_port?.truncated.frames).toBe(0);
	expect((await ear.collects(1))[0]).toHaveLength(FULL.length + 4);
});
