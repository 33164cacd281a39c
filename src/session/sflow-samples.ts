/** Frames of a session as samples of an sFlow agent. */
import type { LinkType } from '../native.ts';
import type { TapPlan } from '../plan/plan.ts';
import { discarded, INTERNAL_PORT, type Port, UNKNOWN_PORT } from '../sflow/ports.ts';
import type { FlowSample, HeaderProtocol, VlanHop } from '../sflow/sample.ts';
import { segmentLengths } from '../sflow/segments.ts';
import type { Ways } from '../sflow/ways.ts';
import { type FrameView, OtherInterface } from '../sinks/frames.ts';
import type { SourceCounts } from './sflow-pools.ts';

const TAG_AT = 12;
const TAG_TYPES = [0x8100, 0x88a8];

function portOf(other: number): Port {
	if (other === OtherInterface.unknown) return UNKNOWN_PORT;
	if (other === OtherInterface.host) return INTERNAL_PORT;
	return other < OtherInterface.discarded ? other : discarded(other - OtherInterface.discarded);
}

/** Of the side on which it was seen. What the tag is, or was, on the other one is not known: 0. */
function vlanOf(header: Uint8Array, direction: 'rx' | 'tx'): VlanHop | null {
	const { buffer, byteOffset, length } = header;
	if (length < TAG_AT + 4) return null;
	const view = new DataView(buffer, byteOffset + TAG_AT, 4);
	if (!TAG_TYPES.includes(view.getUint16(0))) return null;
	const vlan = view.getUint16(2) & 0xfff;
	const priority = view.getUint16(2) >> 13;
	return direction === 'rx'
		? { sourceVlan: vlan, sourcePriority: priority, destinationVlan: 0, destinationPriority: 0 }
		: { sourceVlan: 0, sourcePriority: 0, destinationVlan: vlan, destinationPriority: priority };
}

function protocolOf(header: Uint8Array, link: LinkType): HeaderProtocol {
	if (link === 'ethernet') return 'ethernet';
	return (header[0] ?? 0) >> 4 === 6 ? 'ipv6' : 'ipv4';
}

function lengthsOf(frame: FrameView, start: Pick<FlowSample, 'header' | 'protocol'>) {
	const { wireLength, segments, segmentPayload } = frame;
	if (segments < 2) return { frameLength: wireLength };
	const { each, last } = segmentLengths(start, wireLength, segments, segmentPayload);
	return { frameLength: each, lastLength: last };
}

/** The interface that a frame was not seen on. Where a received one is not for this host, a bridge may decide. */
function otherOf(frame: FrameView, tap: TapPlan, header: Uint8Array, ways: Ways): Port {
	const port = portOf(frame.otherInterface);
	const isBridged = port === UNKNOWN_PORT && tap.direction === 'rx' && tap.link === 'ethernet';
	return isBridged ? ways.bridged(tap.ifindex, header) : port;
}

export function sampleOf(
	frame: FrameView,
	tap: TapPlan,
	{ pool, drops }: SourceCounts,
	rate: number,
	ways: Ways,
): FlowSample {
	const { ifindex, direction } = tap;
	const { bytes: header, nextHop } = frame;
	const protocol = protocolOf(header, tap.link);
	const vlan = protocol === 'ethernet' ? vlanOf(header, direction) : null;
	const other = otherOf(frame, tap, header, ways);
	const output = direction === 'rx' ? other : ifindex;
	return {
		source: ifindex,
		direction,
		protocol,
		header,
		...lengthsOf(frame, { header, protocol }),
		segments: frame.segments,
		input: direction === 'rx' ? ifindex : other,
		output,
		timestampNs: frame.timeNs,
		...(vlan ? { vlan } : {}),
		...(nextHop ? { router: { nextHop, ...ways.masks({ header, protocol }, output) } } : {}),
		rate,
		pool,
		drops,
	};
}
