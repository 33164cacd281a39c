/** What mirrors mon0 to port0: xspan, or the kernel's own action. */
import { startXspan, stopXspan } from './xspan.mjs';

/** @param {import('../lib/lab.mjs').Lab} lab */
export async function xspanMirror(lab) {
	const session = await startXspan(
		lab,
		'mirror',
		'mon0',
		'--to',
		'port:port0',
		'--direction',
		'rx',
	);
	return {
		async stop() {
			const ledger = await stopXspan(session);
			return { delivered: ledger.delivered.frames, lost: ledger.lost.frames };
		},
	};
}

/** @param {import('../lib/lab.mjs').Lab} lab */
export async function tcMirred(lab) {
	lab.tc('mon', 'qdisc add dev mon0 clsact');
	lab.tc(
		'mon',
		'filter add dev mon0 ingress protocol all u32 match u32 0 0 action mirred egress mirror dev port0',
	);
	return {
		async stop() {
			lab.tc('mon', 'qdisc del dev mon0 clsact');
			return {};
		},
	};
}
