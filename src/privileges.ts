/** Which capabilities this process lacks (capabilities(7)). */
import { readFileSync } from 'node:fs';

/** Bit numbers in include/uapi/linux/capability.h. CAP_SYS_ADMIN stands for CAP_BPF and CAP_PERFMON. */
const NEEDED = { CAP_NET_ADMIN: 12, CAP_PERFMON: 38, CAP_BPF: 39 } as const;
const CAP_SYS_ADMIN = 21;

export const NEEDED_CAPABILITIES = Object.keys(NEEDED);

export const HOW_TO_GET_CAPABILITIES =
	'run as root, or: setcap cap_bpf,cap_net_admin,cap_perfmon+ep $(readlink -f $(command -v node)); in a container: --privileged, or --cap-add for each of them';

export const HOW_TO_GET_TUN =
	'modprobe tun; in a container, give it the device: --device /dev/net/tun';

export function missingCapabilities(): string[] {
	const line = /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'utf8'));
	const effective = BigInt(`0x${line?.[1] ?? '0'}`);
	const has = (bit: number) => ((effective >> BigInt(bit)) & 1n) === 1n;
	return Object.entries(NEEDED)
		.filter(([name, bit]) => !has(bit) && !(name !== 'CAP_NET_ADMIN' && has(CAP_SYS_ADMIN)))
		.map(([name]) => name);
}
