/** What this kernel, these privileges and an interface can do. Looks, and changes nothing. */
import { accessSync, closeSync, constants, openSync, readFileSync } from 'node:fs';
import { release } from 'node:os';
import { Direction } from '../abi.gen.ts';
import { hasCode } from '../errors.ts';
import { type NativeEthtool, native } from '../native.ts';
import {
	HOW_TO_GET_CAPABILITIES,
	HOW_TO_GET_TUN,
	missingCapabilities,
	NEEDED_CAPABILITIES,
} from '../privileges.ts';
import {
	beginsWithIp,
	findLink,
	hasEthernetHeader,
	isUp,
	type Link,
	readLinks,
} from '../topology/links.ts';

export interface Finding {
	check: string;
	state: 'ok' | 'warn' | 'fail';
	detail: string;
	/** What to do about it. */
	remedy?: string;
}

function capabilities(): Finding {
	const missing = missingCapabilities();
	if (missing.length === 0)
		return { check: 'capabilities', state: 'ok', detail: NEEDED_CAPABILITIES.join(', ') };
	return {
		check: 'capabilities',
		state: 'fail',
		detail: `missing: ${missing.join(', ')}`,
		remedy: HOW_TO_GET_CAPABILITIES,
	};
}

export function isAtLeast(version: string, major: number, minor: number): boolean {
	const [a = 0, b = 0] = version.split('.').map((part) => Number.parseInt(part, 10));
	return a > major || (a === major && b >= minor);
}

function kernel(): Finding {
	const detail = `Linux ${release()}`;
	if (isAtLeast(release(), 6, 1)) return { check: 'kernel', state: 'ok', detail };
	return { check: 'kernel', state: 'fail', detail, remedy: 'xspan needs Linux 6.1 or later' };
}

function btf(): Finding {
	try {
		accessSync('/sys/kernel/btf/vmlinux', constants.R_OK);
		return { check: 'btf', state: 'ok', detail: '/sys/kernel/btf/vmlinux' };
	} catch {
		return {
			check: 'btf',
			state: 'warn',
			detail: '/sys/kernel/btf/vmlinux cannot be read: checksum states will be guessed',
			remedy: 'use a kernel with CONFIG_DEBUG_INFO_BTF=y, and make /sys visible in the container',
		};
	}
}

function jit(): Finding {
	try {
		const on = readFileSync('/proc/sys/net/core/bpf_jit_enable', 'utf8').trim() !== '0';
		if (on) return { check: 'jit', state: 'ok', detail: 'BPF programs are compiled' };
		return {
			check: 'jit',
			state: 'warn',
			detail: 'BPF programs are interpreted, which is several times slower',
			remedy: 'sysctl net.core.bpf_jit_enable=1',
		};
	} catch {
		return {
			check: 'jit',
			state: 'ok',
			detail: 'unknown: net.core.bpf_jit_enable cannot be read here',
		};
	}
}

function loading(): Finding {
	try {
		native.probeLoad();
		return { check: 'load', state: 'ok', detail: 'BPF programs can be loaded' };
	} catch (error) {
		return {
			check: 'load',
			state: 'fail',
			detail: String((error as Error).message),
			remedy: HOW_TO_GET_CAPABILITIES,
		};
	}
}

const NO_TCX: Finding = {
	check: 'tcx',
	state: 'warn',
	detail: 'not in this kernel (it came with 6.6): clsact is used instead',
	remedy: 'Linux 6.6 or later makes attaching and detaching free of side effects',
};

function tcx(): Finding {
	try {
		native.probeTcx();
		return { check: 'tcx', state: 'ok', detail: 'available' };
	} catch (error) {
		if (hasCode(error, 'EINVAL', 'EOPNOTSUPP')) return NO_TCX;
		// Trying takes a network namespace of its own, which takes CAP_SYS_ADMIN.
		if (!isAtLeast(release(), 6, 6)) return NO_TCX;
		return {
			check: 'tcx',
			state: 'ok',
			detail: 'expected in this kernel (not tried: needs CAP_SYS_ADMIN)',
		};
	}
}

export function checkHost(): Finding[] {
	return [kernel(), capabilities(), loading(), tcx(), btf(), jit()];
}

function linkState(link: Link): Finding {
	const detail = `${link.name}, ifindex ${link.ifindex}, ${link.kind ?? 'device'}, MTU ${link.mtu}, ${isUp(link) ? 'up' : 'down'}`;
	if (!hasEthernetHeader(link) && !beginsWithIp(link))
		return {
			check: 'interface',
			state: 'fail',
			detail: `${detail}, neither Ethernet nor IP`,
			remedy: 'use an interface of link/ether or link/none',
		};
	if (!isUp(link))
		return { check: 'interface', state: 'warn', detail, remedy: `ip link set ${link.name} up` };
	return { check: 'interface', state: 'ok', detail };
}

/** What a mirror of packets needs, see MirrorPort.pathFrom(). */
function firstHop(link: Link): Finding[] {
	if (!beginsWithIp(link)) return [];
	try {
		closeSync(openSync('/dev/net/tun', 'r+'));
		const detail = 'none: captured as they are, mirrored with one that xspan puts in front';
		return [{ check: 'ethernet header', state: 'ok', detail }];
	} catch (error) {
		return [
			{
				check: 'ethernet header',
				state: 'warn',
				detail: `none: captured as they are; a mirror needs /dev/net/tun (${(error as Error).message})`,
				remedy: HOW_TO_GET_TUN,
			},
		];
	}
}

function promiscuity(link: Link): Finding {
	if (link.promiscuity === 0)
		return {
			check: 'promiscuous',
			state: 'ok',
			detail: 'no: unicast frames for other hosts are filtered by the NIC and cannot be seen',
		};
	return {
		check: 'promiscuous',
		state: 'warn',
		detail: `yes, ${link.promiscuity} times: something else (a bridge, a capture tool) asked for it`,
	};
}

function xdp(link: Link): Finding {
	if (link.xdpProgramId === undefined || link.xdpProgramId === 0)
		return { check: 'xdp', state: 'ok', detail: 'no program: --hook xdp is free' };
	const program = native.program(link.xdpProgramId);
	return {
		check: 'xdp',
		state: 'warn',
		detail: `occupied by ${program ? `"${program.name}"` : 'a program'} (id ${link.xdpProgramId})`,
		remedy:
			'use the default hook, tcx, which works beside it; frames that program drops or redirects are not seen there',
	};
}

function neighbours(link: Link): Finding[] {
	return (['rx', 'tx'] as const).flatMap((direction): Finding[] => {
		const ids = native.tcxPrograms(link.ifindex, Direction[direction]) ?? [];
		if (ids.length === 0) return [];
		const names = ids.map((id) => `"${native.program(id)?.name ?? '?'}" (id ${id})`);
		return [
			{
				check: `tcx ${direction}`,
				state: 'ok',
				detail: `beside ${names.join(', ')}: xspan attaches in front`,
			},
		];
	});
}

function offloads(device: NativeEthtool): Finding[] {
	const findings: Finding[] = [];
	const on = (['gro', 'lro', 'gso', 'tso'] as const).filter((name) => device[name]);
	findings.push({
		check: 'offloads',
		state: 'ok',
		detail: on.length
			? `${on.join(', ')}: super-frames are copied as they are, and counted as the frames they stand for`
			: 'none that merge frames',
	});
	if (device.rxVlan)
		findings.push({
			check: 'vlan',
			state: 'ok',
			detail: 'the driver takes VLAN tags off: restored at tcx and clsact, absent at --hook xdp',
		});
	return findings;
}

/** @throws XspanError unknown_interface */
export function checkInterface(name: string): Finding[] {
	const link = findLink(name, readLinks());
	const device = native.ethtool(name);
	const driver: Finding = {
		check: 'driver',
		state: 'ok',
		detail: `${device.driver || 'unknown'}${device.speedMbps ? `, ${device.speedMbps} Mbit/s` : ''}`,
	};
	return [
		linkState(link),
		...firstHop(link),
		driver,
		promiscuity(link),
		xdp(link),
		...neighbours(link),
		...offloads(device),
	];
}
