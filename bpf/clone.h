/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* Clones the frame to another interface, inside the kernel: the port destination (SPAN) itself, or
 * the outer end of the session's mirror port. */
#ifndef XSPAN_CLONE_H
#define XSPAN_CLONE_H

#include "count.h"
#include "maps.h"

/* Where clones go first. */
static __always_inline __u32 first_ifindex(void)
{
	return config.first_hop ? config.first_hop : config.port_ifindex;
}

/* A lookup of routes begins with the interface. */
static __always_inline int port_exists(struct __sk_buff *skb)
{
	struct bpf_fib_lookup p = {.family = AF_INET, .ifindex = first_ifindex()};

	return bpf_fib_lookup(skb, &p, sizeof(p), 0) != -ENODEV;
}

/* EINVAL is bpf_clone_redirect's word for an unknown ifindex. It is also what kernels since 7.1
 * (commit 7fb4c1967011, in stable ones as 6.12.117) say to a super-frame whose transport header is
 * not where they look for it, which is how sit leaves those that it receives. */
static __always_inline enum xs_lost clone_failure(struct xs_counters *c, struct __sk_buff *skb,
						  long err)
{
	switch (err) {
	case -ENETDOWN:
		return XS_LOST_PORT_DOWN;
	case -EINVAL:
		if (port_exists(skb))
			break;
		return XS_LOST_PORT_GONE;
	case -ENODEV:
		return XS_LOST_PORT_GONE;
	case -ENOMEM:
		return XS_LOST_NO_MEMORY;
	}
	if (err > 0) /* NET_XMIT_*: the copy, or one queued before it, was dropped */
		return XS_LOST_PORT_QUEUE;
	c->clone_errno = (__u64)-err;
	return XS_LOST_CLONE_FAILED;
}

/* A downed device with a queue answers NET_XMIT_CN like a busy one: user space tells them apart. */
static __always_inline int port_is_down(void)
{
	__u32 zero = 0;
	struct xs_state *s = bpf_map_lookup_elem(&state, &zero);

	return s && s->port_down;
}

/* A copy of any session, leaving through an interface that is a source itself. */
static __always_inline int is_copy(const struct frame *f)
{
	const struct __sk_buff *skb = f->ctx;

	if (config.sink == XS_SINK_RING || config.direction != XS_DIR_TX)
		return 0;
	return (skb->ingress_ifindex & XS_INNER_IFINDEX_MASK) == XS_INNER_IFINDEX_FIRST;
}

/* A frame without an Ethernet header is refused by a device with: xspan_ethernet, on the way there,
 * gives it one, and wants to know where to go on. It drops what is too long for the kernel to put
 * anything in front of. */
static __always_inline long clone_by_first_hop(struct __sk_buff *skb)
{
	const __u32 word = skb->cb[1];
	long err;

	skb->cb[1] = config.port_ifindex;
	err = bpf_clone_redirect(skb, config.first_hop, 0);
	skb->cb[1] = word;
	return err > 0 ? -EMSGSIZE : err;
}

/* The mirror port's xspan_mark wants to know the direction. The word is this layer's to use. */
static __always_inline long clone(struct __sk_buff *skb)
{
	const __u32 word = skb->cb[0];
	long err;

	if (config.sink != XS_SINK_MIRROR_PORT)
		return bpf_clone_redirect(skb, config.port_ifindex, 0);
	skb->cb[0] = config.said_direction;
	if (config.first_hop)
		err = clone_by_first_hop(skb);
	else
		err = bpf_clone_redirect(skb, config.port_ifindex, 0);
	skb->cb[0] = word;
	return err;
}

static __always_inline void deliver_to_port(struct xs_counters *c, const struct frame *f)
{
	long err;

	if (port_is_down()) {
		count_lost(c, XS_LOST_PORT_DOWN, f);
		return;
	}
	err = clone(f->ctx);
	if (err)
		count_lost(c, clone_failure(c, f->ctx, err), f);
	else
		count(&c->delivered, f);
}

#endif
