/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* The kernel's half of the ledger. Every frame that enters `seen` leaves through exactly one other.
 */
#ifndef XSPAN_COUNT_H
#define XSPAN_COUNT_H

#include "abi.h"
#include "frame.h"

static __always_inline void count(struct xs_count *c, const struct frame *f)
{
	c->frames += f->segs;
	c->bytes += f->bytes;
}

static __always_inline void count_lost(struct xs_counters *c, enum xs_lost why,
				       const struct frame *f)
{
	count(&c->lost[why], f);
	c->unreported += f->segs;
}

#endif
