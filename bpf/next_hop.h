/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* Where a frame that is about to be sent goes next: the routing decision that it carries. */
#ifndef XSPAN_NEXT_HOP_H
#define XSPAN_NEXT_HOP_H

#include "frame.h"
#include "offload.h"

#define RTN_UNICAST 1 /* include/uapi/linux/rtnetlink.h */

/* include/uapi/linux/ipv6_route.h, with include/net/ip6_fib.h */
#define RTF_GATEWAY 0x0002
#define RTF_LOCAL 0x80000000

/* include/net/dst.h */
#define DST_FAKE_RTABLE 0x0010
#define DST_METADATA 0x0080
/* include/linux/skbuff.h: the lowest bit of _skb_refdst says whether it is counted */
#define SKB_DST_NOREF 1UL

struct dst_ops___xspan {
	unsigned short family;
} __attribute__((preserve_access_index));

struct dst_entry___xspan {
	struct dst_ops___xspan *ops;
	unsigned short flags;
} __attribute__((preserve_access_index));

struct rtable___xspan {
	__u16 rt_type;
	__u8 rt_gw_family; /* kernel 5.2 */
	__be32 rt_gw4;	   /* or an IPv6 address */
} __attribute__((preserve_access_index));

struct rt6_info___xspan {
	struct in6_addr___xspan {
		__be32 words[4];
	} rt6i_gateway;
	__u32 rt6i_flags;
} __attribute__((preserve_access_index));

/* What is known of a frame's way through this host. */
struct way {
	__u32 other;	  /* enum xs_other */
	__u32 hop_family; /* AF_INET, AF_INET6; 0: not routed, or not known */
	struct xs_next_hop hop;
};

static __always_inline void next_hop_of_ipv4(struct way *w, struct rtable___xspan *route)
{
	const __u8 family = BPF_CORE_READ(route, rt_gw_family);

	if (BPF_CORE_READ(route, rt_type) != RTN_UNICAST)
		return;
	w->hop_family = family ? family : AF_INET;
	if (family)
		bpf_core_read(&w->hop, family == AF_INET6 ? 16 : 4, &route->rt_gw4);
}

static __always_inline void next_hop_of_ipv6(struct way *w, struct rt6_info___xspan *route)
{
	const __u32 flags = BPF_CORE_READ(route, rt6i_flags);

	if (flags & RTF_LOCAL)
		return;
	w->hop_family = AF_INET6;
	if (flags & RTF_GATEWAY)
		bpf_core_read(&w->hop, sizeof(w->hop), &route->rt6i_gateway);
}

static __always_inline void find_next_hop(struct way *w, struct __sk_buff *ctx)
{
	struct sk_buff___xspan *skb = bpf_cast_to_kern_ctx(ctx);
	struct dst_entry___xspan *dst = (void *)(skb->_skb_refdst & ~SKB_DST_NOREF);
	__u8 first;

	if (!dst || BPF_CORE_READ(dst, flags) & (DST_FAKE_RTABLE | DST_METADATA))
		return;
	/* To a group: no router is next. */
	if (config.ip_at && (bpf_skb_load_bytes(ctx, 0, &first, 1) || first & 1))
		return;
	switch (BPF_CORE_READ(dst, ops, family)) {
	case AF_INET:
		next_hop_of_ipv4(w, (void *)dst);
		return;
	case AF_INET6:
		next_hop_of_ipv6(w, (void *)dst);
		return;
	}
}

#endif
