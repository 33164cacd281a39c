/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/*
 * --limit: a token bucket per session, shared by all taps and CPUs. It is kept as the time at which
 * the bucket will be full again (the theoretical arrival time of the generic cell rate algorithm,
 * ITU-T I.371), so that one compare-and-swap of one word does it all and nothing has to be
 * refilled.
 */
#ifndef XSPAN_LIMIT_H
#define XSPAN_LIMIT_H

#include "count.h"
#include "maps.h"

/* Times are in 1/16 ns: a frame at 3 M frames/s is 5333 of them. They wrap after 36 years of
 * uptime. */
#define LIMIT_TIME_SHIFT 4
/* config.limit_cost has this many fractional bits. */
#define LIMIT_COST_SHIFT 20
/* Other CPUs won the race so many times: the session is at its limit. */
#define LIMIT_TRIES 8

static __always_inline __u64 limit_cost(const struct frame *f)
{
	__u64 units = config.limit_by_bytes ? f->bytes : f->segs;

	return (units * config.limit_cost) >> LIMIT_COST_SHIFT;
}

static __always_inline int is_within_limit(const struct frame *f)
{
	__u64 cost, now, full_at;
	struct xs_state *s;
	__u32 zero = 0;

	if (!config.limit_cost)
		return 1;
	s = bpf_map_lookup_elem(&state, &zero);
	if (!s)
		return 0;
	cost = limit_cost(f);
	now = bpf_ktime_get_boot_ns() << LIMIT_TIME_SHIFT;
	for (int i = 0; i < LIMIT_TRIES; i++) {
		full_at = *(volatile __u64 *)&s->limit_full_at;
		if (full_at > now + config.limit_burst)
			return 0;
		if (__sync_val_compare_and_swap(&s->limit_full_at, full_at,
						(full_at > now ? full_at : now) + cost) == full_at)
			return 1;
	}
	return 0;
}

#endif
