/** What mirrors mon0, to port0 or to the collector: xspan, or the kernel's own action. */
import { collector, host } from '../lib/lab.mjs';
import { startXspan, stopXspan } from './xspan.mjs';

/** @param {import('../lib/lab.mjs').Lab} lab */
export const xspanMirror = (lab) => xspanTo(lab, 'port:port0');

/**
 * @param {import('../lib/lab.mjs').Lab} lab
 * @param {string} destination
 * @param {'rx' | 'tx' | 'both'} direction
 */
export async function xspanTo(lab, destination, direction = 'rx') {
	const args = ['mirror', 'mon0', '--to', destination, '--direction', direction];
	const session = await startXspan(lab, ...args);
	return {
		async stop() {
			const ledger = await stopXspan(session);
			return { delivered: ledger.delivered.frames, lost: ledger.lost.frames };
		},
	};
}

const VXLAN = `vxlan://${collector}?vni=42`;

/** @param {import('../lib/lab.mjs').Lab} lab */
export const xspanVxlan = (lab) => xspanTo(lab, VXLAN);

const MATCH_ALL = 'protocol all u32 match u32 0 0';

/**
 * @param {import('../lib/lab.mjs').Lab} lab
 * @param {string} device
 */
function mirred(lab, device) {
	lab.tc('mon', 'qdisc add dev mon0 clsact');
	const action = `action mirred egress mirror dev ${device}`;
	lab.tc('mon', `filter add dev mon0 ingress ${MATCH_ALL} ${action}`);
	return { stop: () => lab.tc('mon', 'qdisc del dev mon0 clsact') };
}

/** @param {import('../lib/lab.mjs').Lab} lab */
export async function tcMirred(lab) {
	const { stop } = mirred(lab, 'port0');
	return {
		async stop() {
			stop();
			return {};
		},
	};
}

/**
 * The kernel's own VXLAN device, without UDP checksums, as ours are over IPv4.
 * @param {import('../lib/lab.mjs').Lab} lab
 */
export async function tcVxlan(lab) {
	const link = (/** @type {string} */ args) => lab.exec('mon', 'ip', 'link', ...args.split(' '));
	link(`add vxlan0 type vxlan id 42 remote ${collector} local ${host} dstport 4789 noudpcsum`);
	lab.exec('mon', 'sh', '-c', 'echo 1 > /proc/sys/net/ipv6/conf/vxlan0/disable_ipv6');
	link('set vxlan0 up');
	const { stop } = mirred(lab, 'vxlan0');
	return {
		async stop() {
			stop();
			link('del vxlan0');
			return {};
		},
	};
}
