/** A plan as the constants of one tap program: struct xs_config in bpf/abi.h. */
import { Abi, ConfigLayout, Direction, Sample, Sink } from '../abi.gen.ts';
import type { DestinationPlan, Plan, Selection, TapPlan } from '../plan/plan.ts';
import type { RateLimit } from '../spec/spec.ts';

/** bpf/limit.h: 1/16 ns, and 20 fractional bits. */
const LIMIT_UNITS_PER_SECOND = 16e9;
const LIMIT_COST_SCALE = 2 ** 20;
const DEFAULT_BURST_S = 0.005;
const LONGEST_FRAME = 1518;

type Field = keyof typeof ConfigLayout.fields;

const ETHERNET_LEN = 14;

class ConfigWriter {
	readonly bytes = new Uint8Array(ConfigLayout.size);
	private readonly view = new DataView(this.bytes.buffer);

	set(field: Field, value: number): void {
		const { offset, size } = ConfigLayout.fields[field];
		if (size === 8) this.view.setBigUint64(offset, BigInt(Math.round(value)), true);
		else this.view.setUint32(offset, value, true);
	}
}

/** So many bits of the scale are kept: the product with a logarithm of 30 bits fits into 64. */
const SCALE_BITS = 33;
let generation = 0;

function writeSample(config: ConfigWriter, { sample }: Selection): void {
	if (!sample || sample.rate === 1) return;
	config.set('sample_mode', Sample[sample.mode]);
	config.set('sample_rate', sample.rate);
	config.set('sample_generation', ++generation);
	if (sample.mode !== 'random') return;
	const scale = -Math.LN2 / Math.log1p(-1 / sample.rate);
	const shift = SCALE_BITS - 1 - Math.floor(Math.log2(scale));
	config.set('sample_scale_shift', shift);
	config.set('sample_scale', scale * 2 ** shift);
}

/** Frames, or bytes, that may come at once. */
function burstOf(limit: RateLimit): number {
	const perSecond = limit.unit === 'bits' ? limit.perSecond / 8 : limit.perSecond;
	const least = limit.unit === 'bits' ? LONGEST_FRAME : 1;
	return limit.burst ?? Math.max(least, perSecond * DEFAULT_BURST_S);
}

function writeLimit(config: ConfigWriter, { limit }: Selection): void {
	if (!limit) return;
	const perSecond = limit.unit === 'bits' ? limit.perSecond / 8 : limit.perSecond;
	const cost = LIMIT_UNITS_PER_SECOND / perSecond;
	config.set('limit_by_bytes', limit.unit === 'bits' ? 1 : 0);
	config.set('limit_cost', Math.max(1, cost * LIMIT_COST_SCALE));
	// A frame that begins within the burst passes whole: one is always on top.
	const onTop = limit.unit === 'bits' ? 0 : 1;
	config.set('limit_burst', (burstOf(limit) - onTop) * cost);
}

const SINK: Record<DestinationPlan['type'], number> = {
	port: Sink.port,
	'mirror-port': Sink.mirror_port,
	pcapng: Sink.ring,
	frames: Sink.ring,
};

/** What a tap clones frames to, in its own namespace. */
export interface ClonePath {
	/** Ifindex of the port itself, or of the mirror port's outer end; 0 where frames go to a ring. */
	port: number;
	/** Of the device by which they get there, see bpf/clone.h; 0: none. */
	firstHop: number;
}

export function encodeConfig(
	plan: Plan,
	tap: TapPlan,
	selection: Selection,
	path: ClonePath,
): Uint8Array {
	const config = new ConfigWriter();
	config.set('abi', Abi.abi_version);
	config.set('tap', tap.index);
	config.set('direction', Direction[tap.direction]);
	config.set('said_direction', Direction[tap.said]);
	config.set('sink', SINK[plan.destination.type]);
	config.set('port_ifindex', path.port);
	config.set('first_hop', path.firstHop);
	config.set('snaplen', plan.rings?.snaplen ?? 0);
	config.set('limited', plan.count === null ? 0 : 1);
	config.set('selection', selection.number);
	config.set('other_interface', plan.rings?.otherInterface ? 1 : 0);
	config.set('wake_bytes', plan.rings?.wakeBytes ?? 0);
	config.set('ip_at', tap.link === 'ethernet' ? ETHERNET_LEN : 0);
	writeSample(config, selection);
	writeLimit(config, selection);
	return config.bytes;
}
