/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/*
 * A frame as a wire would carry it, whichever hook it was met at. The one place that knows the
 * difference between xdp_md and __sk_buff: `hook` is a constant in every caller, so each program
 * keeps its own branch only.
 */
#ifndef XSPAN_FRAME_H
#define XSPAN_FRAME_H

#include "kernel.h"

enum hook {
	HOOK_TC,     /* tcx or clsact, where the program may look at struct sk_buff: kernel 6.2 */
	HOOK_TC_6_1, /* the same on older kernels */
	HOOK_XDP,
};

struct frame {
	void *ctx; /* struct xdp_md or struct __sk_buff, by hook */
	enum hook hook;
	__u32 len;   /* a tag kept in metadata included, FCS not */
	__u32 bytes; /* what the ledger counts: len, or that of all segments, see segments.h */
	__u32 segs;  /* frames on the wire */
	__u32 gso_size;
	__u32 tag_present; /* the outermost tag is in metadata, not among the bytes */
	__be16 tag_proto;
	__u16 tag_tci;
};

static __always_inline __u32 gso_segments(struct __sk_buff *skb)
{
	if (!skb->gso_size)
		return 1;
	/* A guest's super-frame (SKB_GSO_DODGY) comes uncounted. Its header length is unknown here:
	 * 54 bytes (Ethernet, IPv4, TCP) never gives too few segments by more than the options. */
	if (!skb->gso_segs)
		return skb->len > 54 ? (skb->len - 54 + skb->gso_size - 1) / skb->gso_size : 1;
	return skb->gso_segs;
}

static __always_inline struct frame frame_of_skb(struct __sk_buff *skb, enum hook hook)
{
	struct frame f = {
		.ctx = skb,
		.hook = hook,
		.len = skb->len,
		.segs = gso_segments(skb),
		.gso_size = skb->gso_size,
	};

	if (skb->vlan_present) {
		f.tag_present = 1;
		f.tag_proto = (__be16)skb->vlan_proto;
		f.tag_tci = (__u16)skb->vlan_tci;
		f.len += VLAN_TAG_LEN;
	}
	f.bytes = f.len;
	return f;
}

static __always_inline struct frame frame_of_xdp(struct xdp_md *xdp)
{
	/* data_end - data is the first fragment only, and needs CAP_PERFMON */
	const __u32 len = (__u32)bpf_xdp_get_buff_len(xdp);

	return (struct frame){
		.ctx = xdp,
		.hook = HOOK_XDP,
		.len = len,
		.bytes = len,
		.segs = 1,
	};
}

/* Copies len (constant or bounded, at least 1) bytes as they lie in memory: without a metadata tag.
 */
static __always_inline long frame_load(const struct frame *f, __u32 off, void *to, __u32 len)
{
	if (f->hook == HOOK_XDP)
		return bpf_xdp_load_bytes(f->ctx, off, to, len);
	return bpf_skb_load_bytes(f->ctx, off, to, len);
}

#endif
