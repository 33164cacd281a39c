/** A mirror port's plan as the constants of its programs: struct xs_port_config in bpf/abi.h. */
import { Abi, Direction, Erspan, PortConfigLayout } from '../abi.gen.ts';
import { ETHERNET_LEN, encapsulate } from '../plan/encapsulation.ts';
import type { MirrorPortPlan } from '../plan/mirror-port.ts';
import type { Plan } from '../plan/plan.ts';
import { type Destination, isTunnel, type TunnelDestination } from '../spec/destination.ts';

type Field = keyof typeof PortConfigLayout.fields;

/** include/linux/socket.h */
const ADDRESS_FAMILY = { 4: 2, 6: 10 } as const;
const TPID_8021Q = 0x8100;
const IPV4_HEADER_LEN = 20;

class PortConfigWriter {
	readonly bytes = new Uint8Array(PortConfigLayout.size);
	private readonly view = new DataView(this.bytes.buffer);

	set(field: Field, value: number): void {
		this.view.setUint32(PortConfigLayout.fields[field].offset, value, true);
	}

	/** A word whose bytes the kernel copies as they are. */
	setNetworkOrder(field: Field, value: number): void {
		this.view.setUint32(PortConfigLayout.fields[field].offset, value, false);
	}

	setHeader(header: Uint8Array): void {
		this.bytes.set(header, PortConfigLayout.fields.header.offset);
	}
}

/** Of the words as they lie in memory, so that the kernel needs no conversion (RFC 1071, 2B). */
function sumOfWords(bytes: Uint8Array): number {
	let sum = 0;
	for (let i = 0; i < bytes.length; i += 2)
		sum += (bytes[i] as number) + ((bytes[i + 1] as number) << 8);
	return sum;
}

function writeTunnel(config: PortConfigWriter, destination: TunnelDestination): void {
	const encapsulation = encapsulate(destination);
	const { header, erspanVersion } = encapsulation;
	const isFixed = destination.sourceAddress !== undefined;
	config.set('family', ADDRESS_FAMILY[encapsulation.ipVersion]);
	config.set('source_is_fixed', isFixed ? 1 : 0);
	config.set('header_len', header.length);
	config.setHeader(header);
	if (encapsulation.ipVersion === 4) {
		const ip = header.slice(ETHERNET_LEN, ETHERNET_LEN + IPV4_HEADER_LEN);
		ip.fill(0, 12, 16); // the program adds the source, fixed or not
		config.set('ip_sum', sumOfWords(ip));
	}
	config.set('udp_at', encapsulation.udpAt);
	config.set('symmetric', encapsulation.symmetric ? 1 : 0);
	config.set('sequence_at', encapsulation.sequenceAt);
	config.set('erspan_at', encapsulation.erspanAt);
	config.set(
		'erspan_version',
		erspanVersion === 0 ? 0 : erspanVersion === 2 ? Erspan.ii : Erspan.iii,
	);
	config.set('timestamp_unit', encapsulation.timestampUnit);
	config.set('meta_at', encapsulation.metaAt);
}

/** The one direction of all taps, also later ones; null when the programs have to tell frames apart. */
function onlyDirection(plan: Plan): 'rx' | 'tx' | null {
	const [first] = plan.taps;
	const isOne = plan.taps.every((tap) => tap.said === first?.said);
	return isOne && first ? first.said : null;
}

const saysDirection = (destination: Destination): boolean =>
	isTunnel(destination) && encapsulate(destination).saysDirection;

/** Whether frames need a marker tag on their way through the mirror port (xspan_mark in bpf/port.bpf.c). */
export const needsMarker = (plan: Plan, destination: Destination): boolean =>
	saysDirection(destination) && onlyDirection(plan) === null;

export function encodePortConfig(
	plan: Plan,
	destination: Destination,
	port: MirrorPortPlan,
	uplinkIfindex: number,
): Uint8Array {
	const config = new PortConfigWriter();
	const longest = Math.max(...plan.taps.map((tap) => tap.mtu)) + ETHERNET_LEN;
	config.set('abi', Abi.abi_version);
	config.set('mtu', port.mtu ?? 0);
	config.set('snaplen', port.snaplen ?? 0);
	config.set('drop_oversize', port.oversize === 'drop' ? 1 : 0);
	config.set('oversized_from', longest + 1);
	config.set(
		'direction',
		needsMarker(plan, destination) ? 0 : Direction[onlyDirection(plan) ?? 'rx'],
	);
	if (isTunnel(destination)) {
		writeTunnel(config, destination);
	} else {
		config.set('uplink_ifindex', uplinkIfindex);
		if (destination.type === 'rspan') {
			const tci = ((destination.priority ?? 0) << 13) | destination.vlan;
			config.setNetworkOrder('remote_tag', ((TPID_8021Q << 16) | tci) >>> 0);
		}
	}
	return config.bytes;
}
