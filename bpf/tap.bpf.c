// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)
/*
 * The tap: the program that a session attaches to a source. It looks at a frame, decides, delivers
 * a copy and counts. It never changes, holds or drops the frame itself: whatever happens, the
 * frame goes on, and every failure is a counter.
 */
#include "abi.h"
#include "budget.h"
#include "clone.h"
#include "count.h"
#include "frame.h"
#include "limit.h"
#include "maps.h"
#include "ring.h"
#include "sample.h"
#include "segments.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

static __always_inline void deliver(struct xs_counters *c, const struct frame *f)
{
	__u64 delivered = c->delivered.frames;

	if (config.sink != XS_SINK_RING && f->hook != HOOK_XDP)
		deliver_to_port(c, f);
	else
		deliver_to_ring(c, f);
	if (c->delivered.frames == delivered)
		return_to_budget();
}

/* Behind the filter, which is a program of its own (src/filter) and counts what it rejects. */
static __always_inline void observe(const struct frame *f)
{
	__u32 tap = config.tap;
	struct xs_counters *c = bpf_map_lookup_elem(&counters, &tap);

	if (!c || budget_is_spent() || (f->hook != HOOK_XDP && is_copy(f)))
		return;
	if (!is_sampled(c)) {
		count(&c->seen, f);
		count(&c->sampled_out, f);
		return;
	}
	if (!is_within_limit(f)) {
		count(&c->seen, f);
		count(&c->rate_limited, f);
		return;
	}
	if (!take_from_budget())
		return;
	count(&c->seen, f);
	deliver(c, f);
}

SEC("tc")
int xspan_tc(struct __sk_buff *skb)
{
	struct frame f = frame_of_skb(skb, HOOK_TC);

	count_as_on_wire(&f);
	observe(&f);
	return TAP_NEXT;
}

SEC("tc")
int xspan_tc_6_1(struct __sk_buff *skb)
{
	struct frame f = frame_of_skb(skb, HOOK_TC_6_1);

	count_as_on_wire(&f);
	observe(&f);
	return TAP_NEXT;
}

SEC("xdp.frags")
int xspan_xdp(struct xdp_md *xdp)
{
	struct frame f = frame_of_xdp(xdp);

	observe(&f);
	return XDP_PASS;
}
