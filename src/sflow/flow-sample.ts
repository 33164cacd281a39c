/** flow_sample (1) and flow_sample_expanded (3). */
import type { DataSource } from './data-source.ts';
import {
	compactPort,
	INTERNAL_PORT,
	type Port,
	portFormat,
	portValue,
	UNKNOWN_PORT,
} from './ports.ts';
import { writeRouter, writeSampledHeader, writeSwitch, writeTimestamp } from './records.ts';
import type { FlowSample } from './sample.ts';
import { begin, end, SampleFormat } from './structures.ts';
import { tunnelRecords, writeTunnel } from './tunnel-records.ts';
import type { XdrWriter } from './xdr.ts';

export interface FlowFormat {
	/** 32-bit indexes everywhere. */
	expanded: boolean;
	/** Bytes of the frame in sampled_header. */
	headerBytes: number;
	/** What stands for the host itself: 0x3FFFFFFF, or 0 for collectors that do not know that. */
	internalPort: 'internal' | 'unknown';
}

/** Writes a sample and counts it. */
export function writeFlowSample(
	xdr: XdrWriter,
	sample: FlowSample,
	source: DataSource,
	format: FlowFormat,
): void {
	const lengthAt = begin(xdr, format.expanded ? SampleFormat.flowExpanded : SampleFormat.flow);
	xdr.u32(++source.flowSequence);
	writeSourceId(xdr, source, format.expanded);
	xdr.u32(sample.rate);
	xdr.u32(sample.pool);
	xdr.u32(sample.drops + source.dropped);
	writePort(xdr, sample.input, format);
	writePort(xdr, sample.output, format);
	const { vlan, router, tunnel } = sample;
	xdr.u32(2 + (vlan ? 1 : 0) + (router ? 1 : 0) + (tunnel ? tunnelRecords(tunnel) : 0));
	writeSampledHeader(xdr, sample, format.headerBytes);
	if (vlan) writeSwitch(xdr, vlan);
	if (router) writeRouter(xdr, router);
	if (tunnel) writeTunnel(xdr, tunnel, sample.frameLength);
	writeTimestamp(xdr, sample.timestampNs);
	end(xdr, lengthAt);
}

/** sFlowDataSource: class and index in one word, or in two. */
export function writeSourceId(xdr: XdrWriter, source: DataSource, expanded: boolean): void {
	if (expanded) {
		xdr.u32(source.class);
		xdr.u32(source.index);
	} else xdr.u32(source.class * 2 ** 24 + source.index);
}

function writePort(xdr: XdrWriter, port: Port, format: FlowFormat): void {
	const seen = port === INTERNAL_PORT && format.internalPort === 'unknown' ? UNKNOWN_PORT : port;
	if (format.expanded) {
		xdr.u32(portFormat(seen));
		xdr.u32(portValue(seen));
	} else xdr.u32(compactPort(seen));
}
