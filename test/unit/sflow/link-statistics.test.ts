import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { parseVlanConfig } from '../../../src/sflow/link-detail.ts';
import { parseNetDev, readLinkStatistics } from '../../../src/sflow/link-statistics.ts';

const NET_DEV = `Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
    lo:    3193      29    0    0    0     0          0         0     3193      29    0    0    0     0       0          0
eth0:18446744073709551615 4294967296 3 4 5 6 7 8 9 10 11 12 13 14 15 16
br.10: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16
`;

test('/proc/net/dev', () => {
	const links = parseNetDev(NET_DEV);
	expect([...links.keys()]).toEqual(['lo', 'eth0', 'br.10']);
	expect(links.get('eth0')).toEqual({
		received: { bytes: 18_446_744_073_709_551_615n, packets: 4_294_967_296, errors: 3, dropped: 4 },
		sent: { bytes: 9n, packets: 10, errors: 11, dropped: 12 },
		multicast: 8,
	});
});

test('every interface of this namespace is there, with the numbers that ip shows', () => {
	const before = readLinkStatistics();
	const shown = JSON.parse(execFileSync('ip', ['-s', '-json', 'link'], { encoding: 'utf8' }));
	const after = readLinkStatistics();
	expect([...before.keys()].sort()).toEqual(
		shown.map(({ ifname }: { ifname: string }) => ifname).sort(),
	);
	for (const { ifname, stats64 } of shown) {
		const [low, high] = [before.get(ifname), after.get(ifname)];
		expect(stats64.rx.packets).toBeGreaterThanOrEqual(low?.received.packets as number);
		expect(stats64.rx.packets).toBeLessThanOrEqual(high?.received.packets as number);
		expect(BigInt(stats64.tx.bytes)).toBeGreaterThanOrEqual(low?.sent.bytes as bigint);
		expect(BigInt(stats64.tx.bytes)).toBeLessThanOrEqual(high?.sent.bytes as bigint);
		expect(stats64.tx.dropped).toBe(high?.sent.dropped);
	}
});

test('/proc/net/vlan/config', () => {
	const text = `VLAN Dev name	 | VLAN ID
Name-Type: VLAN_NAME_TYPE_RAW_PLUS_VID_NO_PAD
eth0.100       | 100  | eth0
storage        | 4094  | bond0
`;
	expect([...parseVlanConfig(text)]).toEqual([
		['eth0.100', 100],
		['storage', 4094],
	]);
});
