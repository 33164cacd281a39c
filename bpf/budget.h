/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* --count: the exact number of copies, over all taps and CPUs of a session. */
#ifndef XSPAN_BUDGET_H
#define XSPAN_BUDGET_H

#include "maps.h"

/* Most frames come after the end: a plain read tells. */
static __always_inline int budget_is_spent(void)
{
	__u32 zero = 0;
	struct xs_state *s;

	if (!config.limited)
		return 0;
	s = bpf_map_lookup_elem(&state, &zero);
	return !s || s->budget <= 0;
}

/* Takes one copy from the budget. 0: another CPU took the last one. */
static __always_inline int take_from_budget(void)
{
	__u32 zero = 0;
	struct xs_state *s;

	if (!config.limited)
		return 1;
	s = bpf_map_lookup_elem(&state, &zero);
	return s && __sync_fetch_and_add(&s->budget, -1) > 0;
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
