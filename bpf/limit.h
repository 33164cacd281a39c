/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* --count: the exact number of copies, over all taps and CPUs of a session. */
#ifndef XSPAN_LIMIT_H
#define XSPAN_LIMIT_H

#include "maps.h"

/* Takes one copy from the budget. 0: it is spent, and the session is over for this frame. */
static __always_inline int take_from_budget(void)
{
	__u32 zero = 0;
	struct xs_state *s;

	if (!config.limited)
		return 1;
	s = bpf_map_lookup_elem(&state, &zero);
	if (!s || s->budget <= 0) /* a plain read: most frames come after the end */
		return 0;
	return __sync_fetch_and_add(&s->budget, -1) > 0;
}

/* A copy that was lost does not count: the next frame may have its place. */
static __always_inline void return_to_budget(void)
{
	__u32 zero = 0;
	struct xs_state *s;

	if (!config.limited)
		return;
	s = bpf_map_lookup_elem(&state, &zero);
	if (s)
		__sync_fetch_and_add(&s->budget, 1);
}

#endif
