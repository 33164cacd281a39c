/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/*
 * The way to the collector, asked of the kernel's own routing and neighbour tables. An answer is
 * kept for one tick of the clock (1-4 ms): the lookup costs about as much as everything else here.
 */
#ifndef XSPAN_ROUTE_H
#define XSPAN_ROUTE_H

#include "copy.h"

/* BPF_FIB_LOOKUP_SRC of Linux 6.7, which older headers do not have */
#define FIB_LOOKUP_SRC (1U << 4)

#define IPV4_DESTINATION_AT (ETHERNET_LEN + 16)
#define IPV4_SOURCE_AT (ETHERNET_LEN + 12)
#define IPV6_DESTINATION_AT (ETHERNET_LEN + 24)
#define IPV6_SOURCE_AT (ETHERNET_LEN + 8)

struct route {
	__u64 asked_at; /* jiffies; 0: never */
	__u32 lost;	/* enum xs_port_lost, when is_lost */
	__u32 is_lost;
	__u32 ifindex;
	__u32 mtu;
	__u32 source[4];
	__u8 addresses[MAC_ADDRESSES_LEN]; /* as an Ethernet header has them */
};

/* Per CPU: no lock, and the program that sends a copy may run on another one. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct route);
} route SEC(".maps");

static __always_inline void load_words(__u32 *to, __u32 at, const int words)
{
	for (int i = 0; i < words; i++)
		to[i] = *(const volatile __u32 *)(config.header + at + 4 * i);
}

static __always_inline void ask_for(struct bpf_fib_lookup *p, const struct copy *c)
{
	__builtin_memset(p, 0, sizeof(*p));
	p->ifindex = c->xdp->ingress_ifindex;
	p->family = (__u8)config.family;
	if (config.family == AF_INET) {
		load_words(&p->ipv4_dst, IPV4_DESTINATION_AT, 1);
		if (config.source_is_fixed)
			load_words(&p->ipv4_src, IPV4_SOURCE_AT, 1);
	} else {
		load_words(p->ipv6_dst, IPV6_DESTINATION_AT, 4);
		if (config.source_is_fixed)
			load_words(p->ipv6_src, IPV6_SOURCE_AT, 4);
	}
}

/* The source address too, where the kernel can say it: 6.7. */
static __always_inline long look_up(struct bpf_fib_lookup *p, struct route *r, const struct copy *c)
{
	long err = -EINVAL;

	ask_for(p, c);
	if (!config.source_is_fixed) {
		err = bpf_fib_lookup(c->xdp, p, sizeof(*p), FIB_LOOKUP_SRC);
		if (err != -EINVAL) {
			__builtin_memcpy(r->source, p->ipv6_src, sizeof(r->source));
			return err;
		}
		ask_for(p, c);
	}
	err = bpf_fib_lookup(c->xdp, p, sizeof(*p), 0);
	if (config.source_is_fixed)
		load_words(r->source, config.family == AF_INET ? IPV4_SOURCE_AT : IPV6_SOURCE_AT,
			   config.family == AF_INET ? 1 : 4);
	else
		__builtin_memcpy(r->source, c->state->source, sizeof(r->source));
	return err;
}

static __always_inline enum xs_port_lost reason_of(long err, const struct copy *c)
{
	if (c->state->down_ifindex)
		return XS_PORT_LOST_UPLINK_DOWN;
	return err == BPF_FIB_LKUP_RET_NO_NEIGH ? XS_PORT_LOST_NO_NEIGHBOUR : XS_PORT_LOST_NO_ROUTE;
}

static __always_inline void ask(struct route *r, const struct copy *c)
{
	struct bpf_fib_lookup p;
	long err = look_up(&p, r, c);

	r->is_lost = err != BPF_FIB_LKUP_RET_SUCCESS;
	if (r->is_lost) {
		r->lost = reason_of(err, c);
		return;
	}
	r->ifindex = p.ifindex;
	r->mtu = p.mtu_result;
	/* Forwarding ignores what the path's MTU was found to be, and a route's that is not locked.
	 */
	if (c->state->route_mtu && c->state->route_mtu < r->mtu)
		r->mtu = c->state->route_mtu;
	__builtin_memcpy(r->addresses, p.dmac, 6);
	__builtin_memcpy(r->addresses + 6, p.smac, 6);
}

static __always_inline void use_fixed_uplink(struct route *r)
{
	r->ifindex = config.uplink_ifindex;
	r->mtu = config.mtu; /* of the interface, or less */
	r->is_lost = 0;
}

/* NULL only where a map has no entry 0, which the verifier thinks possible. */
static __always_inline struct route *current_route(const struct copy *c)
{
	__u64 now = bpf_jiffies64();
	__u32 zero = 0;
	struct route *r = bpf_map_lookup_elem(&route, &zero);

	if (!r || r->asked_at == now)
		return r;
	r->asked_at = now;
	if (config.family)
		ask(r, c);
	else
		use_fixed_uplink(r);
	if (!r->is_lost && r->ifindex == c->state->down_ifindex) {
		r->is_lost = 1;
		r->lost = XS_PORT_LOST_UPLINK_DOWN;
	}
	return r;
}

#endif
