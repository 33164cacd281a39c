/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* One copy on its way through the mirror port, and the maps that its programs share. */
#ifndef XSPAN_COPY_H
#define XSPAN_COPY_H

#include "../abi.h"
#include "../bounded.h"
#include "../kernel.h"

const volatile struct xs_port_config config SEC(".rodata");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct xs_port_state);
} port_state SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct xs_port_counters);
} port_counters SEC(".maps");

struct copy {
	struct xdp_md *xdp;
	struct xs_port_counters *counters;
	struct xs_port_state *state;
	__u32 len;	   /* of the frame as its wire carried it */
	__u32 kept;	   /* bytes of it that leave */
	__u32 marker_len;  /* bytes of the marker tag, still in the frame */
	__u32 direction;   /* enum xs_direction */
	__u32 tags_len;	   /* bytes of VLAN tags of its own, two at most */
	__u16 tci;	   /* of the outermost of them */
	__u32 source_port; /* UDP: of this flow */
};

static __always_inline void add(struct xs_count *c, __u32 bytes)
{
	c->frames++;
	c->bytes += bytes;
}

static __always_inline int lose(struct copy *c, enum xs_port_lost why)
{
	__u64 reason = why;

	hide(reason);
	if (reason >= XS_PORT_LOST_KINDS) /* for the verifier */
		reason = XS_PORT_LOST_ENCAP_FAILED;
	add(&c->counters->lost[reason], c->len);
	return XDP_DROP;
}

#endif
