// Generated from bpf/abi.h by scripts/gen-abi.mjs (`make abi`). Do not edit.

export const Abi = {
	abi_version: 6,
} as const;

export const Direction = {
	rx: 1,
	tx: 2,
} as const;

export const Sink = {
	port: 1,
	ring: 2,
	mirror_port: 3,
} as const;

export const Lost = {
	ring_full: 0,
	load_failed: 1,
	port_down: 2,
	port_gone: 3,
	port_queue: 4,
	no_memory: 5,
	clone_failed: 6,
	kinds: 7,
} as const;

export const Sample = {
	all: 0,
	random: 1,
	every: 2,
} as const;

export const RecordFlags = {
	tx: 1,
	tag_restored: 2,
	gso: 4,
	csum_not_ready: 8,
	csum_valid: 16,
	otherhost: 32,
	hop_room: 64,
	hop_ipv4: 128,
	hop_ipv6: 256,
} as const;

export const Other = {
	unknown: 0,
	host: 1073741823,
	discarded_shift: 31,
} as const;

export const InnerIfindex = {
	first: 1481834496,
	mask: 2147418112,
} as const;

export const PortLost = {
	no_route: 0,
	no_neighbour: 1,
	uplink_down: 2,
	uplink_queue: 3,
	oversize: 4,
	encap_failed: 5,
	kinds: 6,
} as const;

export const Erspan = {
	ii: 2,
	iii: 3,
} as const;

export const PortLimits = {
	port_header_max: 112,
} as const;

export const CountersLayout = {
	size: 232,
	fields: {
		seen: { offset: 0, size: 16 },
		filtered: { offset: 16, size: 16 },
		sampled_out: { offset: 32, size: 16 },
		rate_limited: { offset: 48, size: 16 },
		delivered: { offset: 64, size: 16 },
		lost: { offset: 80, size: 112 },
		unreported: { offset: 192, size: 8 },
		reported: { offset: 200, size: 8 },
		clone_errno: { offset: 208, size: 8 },
		sample_pass: { offset: 216, size: 8 },
		sample_generation: { offset: 224, size: 8 },
	},
} as const;

export const CountLayout = {
	size: 16,
	fields: {
		frames: { offset: 0, size: 8 },
		bytes: { offset: 8, size: 8 },
	},
} as const;

export const ConfigLayout = {
	size: 112,
	fields: {
		abi: { offset: 0, size: 4 },
		tap: { offset: 4, size: 4 },
		direction: { offset: 8, size: 4 },
		said_direction: { offset: 12, size: 4 },
		sink: { offset: 16, size: 4 },
		port_ifindex: { offset: 20, size: 4 },
		snaplen: { offset: 24, size: 4 },
		limited: { offset: 28, size: 4 },
		sample_mode: { offset: 32, size: 4 },
		sample_rate: { offset: 36, size: 4 },
		sample_generation: { offset: 40, size: 4 },
		sample_scale_shift: { offset: 44, size: 4 },
		selection: { offset: 48, size: 4 },
		other_interface: { offset: 52, size: 4 },
		ip_at: { offset: 56, size: 4 },
		sample_scale: { offset: 64, size: 8 },
		limit_by_bytes: { offset: 72, size: 4 },
		limit_cost: { offset: 80, size: 8 },
		limit_burst: { offset: 88, size: 8 },
		wake_bytes: { offset: 96, size: 8 },
		first_hop: { offset: 104, size: 4 },
	},
} as const;

export const RecordLayout = {
	size: 40,
	fields: {
		time_ns: { offset: 0, size: 8 },
		cap_len: { offset: 8, size: 4 },
		wire_len: { offset: 12, size: 4 },
		lost: { offset: 16, size: 4 },
		passed: { offset: 20, size: 4 },
		other_interface: { offset: 24, size: 4 },
		tap: { offset: 28, size: 2 },
		segs: { offset: 30, size: 2 },
		gso_size: { offset: 32, size: 2 },
		queue: { offset: 34, size: 2 },
		flags: { offset: 36, size: 2 },
		selection: { offset: 38, size: 2 },
		data: { offset: 40, size: 0 },
	},
} as const;

export const PortCountersLayout = {
	size: 144,
	fields: {
		received: { offset: 0, size: 16 },
		delivered: { offset: 16, size: 16 },
		lost: { offset: 32, size: 96 },
		truncated: { offset: 128, size: 16 },
	},
} as const;

export const PortConfigLayout = {
	size: 188,
	fields: {
		abi: { offset: 0, size: 4 },
		family: { offset: 4, size: 4 },
		uplink_ifindex: { offset: 8, size: 4 },
		remote_tag: { offset: 12, size: 4 },
		mtu: { offset: 16, size: 4 },
		snaplen: { offset: 20, size: 4 },
		drop_oversize: { offset: 24, size: 4 },
		source_is_fixed: { offset: 28, size: 4 },
		header_len: { offset: 32, size: 4 },
		ip_sum: { offset: 36, size: 4 },
		udp_at: { offset: 40, size: 4 },
		symmetric: { offset: 44, size: 4 },
		sequence_at: { offset: 48, size: 4 },
		erspan_at: { offset: 52, size: 4 },
		erspan_version: { offset: 56, size: 4 },
		timestamp_unit: { offset: 60, size: 4 },
		oversized_from: { offset: 64, size: 4 },
		meta_at: { offset: 68, size: 4 },
		direction: { offset: 72, size: 4 },
		header: { offset: 76, size: 112 },
	},
} as const;

export const PortStateLayout = {
	size: 48,
	fields: {
		sequence: { offset: 0, size: 8 },
		wall_offset_ns: { offset: 8, size: 8 },
		outer_ifindex: { offset: 16, size: 4 },
		down_ifindex: { offset: 20, size: 4 },
		route_mtu: { offset: 24, size: 4 },
		source: { offset: 28, size: 16 },
	},
} as const;
