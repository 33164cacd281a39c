/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* What the kernel knows about a frame beside its bytes: checksum state, addressee, queue. */
#ifndef XSPAN_OFFLOAD_H
#define XSPAN_OFFLOAD_H

#include "frame.h"
#include "maps.h"

/* What __sk_buff does not show of struct sk_buff; relocated by libbpf (CO-RE). */
struct sk_buff___xspan {
	__u8 ip_summed : 2;
	__u8 encapsulation : 1;
	__u16 inner_network_header;
	__u16 inner_transport_header;
	unsigned char *head, *data;
	unsigned long _skb_refdst;
} __attribute__((preserve_access_index));

extern void *bpf_cast_to_kern_ctx(void *ctx) __ksym __weak;

static __always_inline __u32 checksum_flags(const struct frame *f)
{
	struct sk_buff___xspan *skb;
	__u32 summed;

	if (f->hook == HOOK_XDP)
		return 0;
	if (f->hook == HOOK_TC_6_1) /* all that is certain: the stack only sends GSO that way */
		return f->gso_size && config.direction == XS_DIR_TX ? XS_REC_CSUM_NOT_READY : 0;
	skb = bpf_cast_to_kern_ctx(f->ctx);
	summed = BPF_CORE_READ_BITFIELD(skb, ip_summed);
	if (summed == CHECKSUM_PARTIAL)
		return XS_REC_CSUM_NOT_READY;
	return summed == CHECKSUM_UNNECESSARY ? XS_REC_CSUM_VALID : 0;
}

static __always_inline __u32 offload_flags(const struct frame *f)
{
	__u32 flags = checksum_flags(f);

	if (config.direction == XS_DIR_TX)
		flags |= XS_REC_TX;
	if (f->tag_present)
		flags |= XS_REC_TAG_RESTORED;
	if (f->gso_size)
		flags |= XS_REC_GSO;
	if (f->hook != HOOK_XDP && config.direction == XS_DIR_RX &&
	    ((struct __sk_buff *)f->ctx)->pkt_type == PACKET_OTHERHOST)
		flags |= XS_REC_OTHERHOST;
	return flags;
}

/* Receive queue + 1, 0 when unknown. At egress the queue is chosen after the hook. */
static __always_inline __u16 receive_queue(const struct frame *f)
{
	if (f->hook == HOOK_XDP)
		return (__u16)(((struct xdp_md *)f->ctx)->rx_queue_index + 1);
	if (config.direction == XS_DIR_TX)
		return 0;
	return (__u16)((struct __sk_buff *)f->ctx)->queue_mapping;
}

#endif
