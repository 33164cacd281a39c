/** xspan as a library. Everything here is public; nothing else is. */

export { checkHost, checkInterface, type Finding } from './doctor/doctor.ts';
export { EXIT, XspanError } from './errors.ts';
export { explainFilter, type FilterExplanation } from './filter/explain.ts';
export type { Count, Ledger, LostReason, PortLedger, PortLostReason } from './ledger.ts';
export { balances } from './ledger.ts';
export { version } from './native.ts';
export { mtuInForce } from './plan/mirror-port.ts';
export type {
	DestinationPlan,
	Host,
	MirrorPlan,
	Plan,
	RingPlan,
	Selection,
	TapPlan,
} from './plan/plan.ts';
export { planCapture, planMirror, readHost } from './plan/plan.ts';
export type { Leftover } from './session/leftovers.ts';
export { clean } from './session/leftovers.ts';
export type {
	EndReason,
	SelectionChange,
	Session,
	SessionEnd,
	TapState,
} from './session/session.ts';
export { capture, mirror } from './session/session.ts';
export {
	planSflow,
	type SflowEnd,
	SflowSession,
	type SflowSessionSpec,
	type SflowSessionStatus,
	sflow,
} from './session/sflow.ts';
export {
	SflowAgent,
	type SflowAgentOptions,
	type SflowStatus,
	startSflow,
} from './sflow/agent.ts';
export type { CollectorStatus } from './sflow/collector.ts';
export {
	discarded,
	INTERNAL_PORT,
	multiple,
	type Port,
	UNKNOWN_PORT,
} from './sflow/ports.ts';
export type {
	FlowSample,
	HeaderProtocol,
	OuterIpv4,
	RouterHop,
	TunnelEnd,
	VlanHop,
} from './sflow/sample.ts';
export {
	type CollectorAddress,
	checkSflow,
	HEADER_BYTES,
	parseCollector,
	parseMaxSamples,
	parsePolling,
	parseSampling,
	type SflowSettings,
	type SflowSpec,
} from './sflow/spec.ts';
export { type FrameBatch, type FrameView, OtherInterface } from './sinks/frames.ts';
export type {
	Destination,
	ErspanDestination,
	ErspanIDestination,
	ErspanIIDestination,
	ErspanIIIDestination,
	GeneveDestination,
	GivenTunnelOptions,
	GreDestination,
	PathOptions,
	PortDestination,
	RspanDestination,
	TunnelDestination,
	TunnelOptions,
	VxlanDestination,
} from './spec/destination.ts';
export { parseDestination, withTunnelOptions } from './spec/destination.ts';
export type {
	CaptureSpec,
	CommonSpec,
	Direction,
	FileRotation,
	HookChoice,
	MirrorSpec,
	Notice,
	PcapngSpec,
	RateLimit,
	Sample,
} from './spec/spec.ts';
export { SNAPLEN } from './spec/spec.ts';
export { parseCount, parseDuration, parseLimit, parseSample, parseSize } from './spec/units.ts';
export type { Container } from './topology/containers.ts';
export { describeContainer } from './topology/containers.ts';
export type { AttachedProgram, Device, DeviceRef, IpAddress } from './topology/device.ts';
export { describeKind, deviceIsUp } from './topology/device.ts';
export type { LogicalEntity } from './topology/entities.ts';
export type {
	PromiscuityAudit,
	PromiscuityFinding,
	PromiscuityReason,
	PromiscuousInterface,
} from './topology/promiscuity.ts';
export type {
	PromiscuityChange,
	PromiscuityState,
	PromiscuityWatching,
} from './topology/promiscuity-watch.ts';
export { readPromiscuity, watchPromiscuity } from './topology/promiscuity-watch.ts';
export { readTopology } from './topology/read.ts';
export type { Resolution, ResolvedSource, SourceTap } from './topology/resolve.ts';
export { resolveSources, tapsFor } from './topology/resolve.ts';
export type { ProcessTable } from './topology/select.ts';
export { describeDevice, describeNamespace } from './topology/select.ts';
export type { Namespace, Topology } from './topology/topology.ts';
export type { Advice, Place } from './topology/where.ts';
export { whereIs } from './topology/where.ts';
