// Generated from bpf/abi.h by scripts/gen-abi.mjs (`make abi`). Do not edit.

export const Abi = {
	abi_version: 2,
} as const;

export const Direction = {
	rx: 1,
	tx: 2,
} as const;

export const Sink = {
	port: 1,
	ring: 2,
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
} as const;

export const CountersLayout = {
	size: 224,
	fields: {
		seen: { offset: 0, size: 16 },
		filtered: { offset: 16, size: 16 },
		sampled_out: { offset: 32, size: 16 },
		rate_limited: { offset: 48, size: 16 },
		delivered: { offset: 64, size: 16 },
		lost: { offset: 80, size: 112 },
		unreported: { offset: 192, size: 8 },
		clone_errno: { offset: 200, size: 8 },
		sample_pass: { offset: 208, size: 8 },
		sample_generation: { offset: 216, size: 8 },
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
	size: 80,
	fields: {
		abi: { offset: 0, size: 4 },
		tap: { offset: 4, size: 4 },
		direction: { offset: 8, size: 4 },
		sink: { offset: 12, size: 4 },
		port_ifindex: { offset: 16, size: 4 },
		snaplen: { offset: 20, size: 4 },
		limited: { offset: 24, size: 4 },
		sample_mode: { offset: 28, size: 4 },
		sample_rate: { offset: 32, size: 4 },
		sample_generation: { offset: 36, size: 4 },
		sample_scale_shift: { offset: 40, size: 4 },
		sample_scale: { offset: 48, size: 8 },
		limit_by_bytes: { offset: 56, size: 4 },
		limit_cost: { offset: 64, size: 8 },
		limit_burst: { offset: 72, size: 8 },
	},
} as const;

export const RecordLayout = {
	size: 40,
	fields: {
		time_ns: { offset: 0, size: 8 },
		cap_len: { offset: 8, size: 4 },
		wire_len: { offset: 12, size: 4 },
		lost: { offset: 16, size: 4 },
		flags: { offset: 20, size: 4 },
		tap: { offset: 24, size: 2 },
		segs: { offset: 26, size: 2 },
		gso_size: { offset: 28, size: 2 },
		vlan_tci: { offset: 30, size: 2 },
		queue: { offset: 32, size: 2 },
		reserved: { offset: 34, size: 6 },
		data: { offset: 40, size: 0 },
	},
} as const;
