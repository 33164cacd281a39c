/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/*
 * The interface that a frame is not seen on: by which a received one leaves, as the routing
 * decision will be, or by which a sent one came; and the router to which it goes next. What a
 * bridge decides is not known here before it has decided.
 */
#ifndef XSPAN_OTHER_INTERFACE_H
#define XSPAN_OTHER_INTERFACE_H

#include "frame.h"
#include "maps.h"
#include "next_hop.h"

#define IPV6_HEADER_LEN 40

/* A code of ICMP destination unreachable (RFC 792, RFC 1812), or that of sFlow for "unknown". */
#define REASON_HOST_UNREACHABLE 1
#define REASON_PROHIBITED 13
#define REASON_UNKNOWN 256

static __always_inline __u32 discarded(__u32 reason)
{
	return 1U << XS_OTHER_DISCARDED_SHIFT | reason;
}

/* Rules and multipath routes may look at ports. A fragment or a protocol without ports has others
 * in their place: the kernel does not look there then. */
static __always_inline void add_ports(struct bpf_fib_lookup *p, struct __sk_buff *skb, __u32 at)
{
	__be16 ports[2];

	if (bpf_skb_load_bytes(skb, at, ports, sizeof(ports)))
		return;
	p->sport = ports[0];
	p->dport = ports[1];
}

static __always_inline long describe_ipv4(struct bpf_fib_lookup *p, struct __sk_buff *skb)
{
	__u8 ip[20];

	if (bpf_skb_load_bytes(skb, config.ip_at, ip, sizeof(ip)))
		return -EINVAL;
	p->family = AF_INET;
	p->tos = ip[1];
	p->l4_protocol = ip[9];
	__builtin_memcpy(&p->ipv4_src, ip + 12, 4);
	__builtin_memcpy(&p->ipv4_dst, ip + 16, 4);
	add_ports(p, skb, config.ip_at + (ip[0] & 15) * 4);
	return 0;
}

static __always_inline long describe_ipv6(struct bpf_fib_lookup *p, struct __sk_buff *skb)
{
	__u32 ip[IPV6_HEADER_LEN / 4];

	if (bpf_skb_load_bytes(skb, config.ip_at, ip, sizeof(ip)))
		return -EINVAL;
	p->family = AF_INET6;
	p->flowinfo = ip[0] & bpf_htonl(0x0fffffff);
	p->l4_protocol = ((__u8 *)ip)[6];
	__builtin_memcpy(p->ipv6_src, ip + 2, sizeof(p->ipv6_src));
	__builtin_memcpy(p->ipv6_dst, ip + 6, sizeof(p->ipv6_dst));
	add_ports(p, skb, config.ip_at + IPV6_HEADER_LEN);
	return 0;
}

/* Not IP, or too short for it: a negative errno. */
static __always_inline long ask_routes(struct bpf_fib_lookup *p, struct __sk_buff *skb)
{
	long err = -EINVAL;

	if (skb->protocol == bpf_htons(ETH_P_IP))
		err = describe_ipv4(p, skb);
	else if (skb->protocol == bpf_htons(ETH_P_IPV6))
		err = describe_ipv6(p, skb);
	if (err)
		return err;
	p->ifindex = skb->ifindex;
	p->tot_len = 1; /* fits every MTU: whether the frame does is not asked */
	return bpf_fib_lookup(skb, p, sizeof(*p), 0);
}

/* The lookup leaves the destination where no router is on the way. */
static __always_inline void take_next_hop(struct way *w, struct __sk_buff *skb,
					  const struct bpf_fib_lookup *p)
{
	__u32 destination[4] = {};
	const int is_ipv4 = skb->protocol == bpf_htons(ETH_P_IP);

	if (is_ipv4 && bpf_skb_load_bytes(skb, config.ip_at + 16, destination, 4))
		return;
	if (!is_ipv4 && bpf_skb_load_bytes(skb, config.ip_at + 24, destination, 16))
		return;
	w->hop_family = p->family; /* IPv6 also of a router for IPv4 (RFC 5549) */
	__builtin_memcpy(w->hop.address, p->ipv6_dst, sizeof(w->hop.address));
	if (p->family == AF_INET)
		__builtin_memset(w->hop.address + 1, 0, 12);
	if (!((w->hop.address[0] ^ destination[0]) | (w->hop.address[1] ^ destination[1]) |
	      (w->hop.address[2] ^ destination[2]) | (w->hop.address[3] ^ destination[3])))
		__builtin_memset(&w->hop, 0, sizeof(w->hop));
}

/* Of a frame that is addressed to this host. What no route takes ends here. */
static __always_inline void find_way_out(struct way *w, struct __sk_buff *skb)
{
	struct bpf_fib_lookup p = {};

	/* A second tag: what is behind it is for a device that this one carries. */
	if (skb->protocol == bpf_htons(ETH_P_8021Q) || skb->protocol == bpf_htons(ETH_P_8021AD))
		return;
	switch (ask_routes(&p, skb)) {
	case BPF_FIB_LKUP_RET_SUCCESS:
	case BPF_FIB_LKUP_RET_NO_NEIGH: /* will be asked for */
		w->other = p.ifindex;
		take_next_hop(w, skb, &p);
		return;
	case BPF_FIB_LKUP_RET_BLACKHOLE:
		w->other = discarded(REASON_UNKNOWN);
		return;
	case BPF_FIB_LKUP_RET_UNREACHABLE:
		w->other = discarded(REASON_HOST_UNREACHABLE);
		return;
	case BPF_FIB_LKUP_RET_PROHIBIT:
		w->other = discarded(REASON_PROHIBITED);
		return;
	case BPF_FIB_LKUP_RET_UNSUPP_LWT:
		return;
	}
	w->other = XS_OTHER_HOST;
}

static __always_inline void find_way(struct way *w, const struct frame *f)
{
	struct __sk_buff *skb = f->ctx;

	if (!config.other_interface || f->hook == HOOK_XDP)
		return;
	if (config.direction == XS_DIR_TX) {
		w->other = skb->ingress_ifindex ? skb->ingress_ifindex : XS_OTHER_HOST;
		if (f->hook == HOOK_TC) /* older kernels let nobody look */
			find_next_hop(w, skb);
	} else if (skb->pkt_type == PACKET_HOST) {
		find_way_out(w, skb);
	}
}

#endif
