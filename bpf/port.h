/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* The port destination (SPAN): clone the frame to another interface, inside the kernel. */
#ifndef XSPAN_PORT_H
#define XSPAN_PORT_H

#include "count.h"
#include "maps.h"

static __always_inline enum xs_lost clone_failure(struct xs_counters *c, long err)
{
	switch (err) {
	case -ENETDOWN:
		return XS_LOST_PORT_DOWN;
	case -EINVAL: /* bpf_clone_redirect's word for an unknown ifindex */
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

static __always_inline void deliver_to_port(struct xs_counters *c, const struct frame *f)
{
	long err;

	if (port_is_down()) {
		count_lost(c, XS_LOST_PORT_DOWN, f);
		return;
	}
	err = bpf_clone_redirect(f->ctx, config.port_ifindex, 0);
	if (err)
		count_lost(c, clone_failure(c, err), f);
	else
		count(&c->delivered, f);
}

#endif
