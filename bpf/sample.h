/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* --sample: which frames are copied. A GSO super-frame is chosen or passed over as a whole: each
 * frame in it then has the same probability as any other, so frames and bytes are estimated without
 * bias. */
#ifndef XSPAN_SAMPLE_H
#define XSPAN_SAMPLE_H

#include "count.h"
#include "maps.h"

static __always_inline int is_sampled(struct xs_counters *c)
{
	switch (config.sample_mode) {
	case XS_SAMPLE_RANDOM: /* independent of every other frame */
		return bpf_get_prandom_u32() < config.sample_value;
	case XS_SAMPLE_EVERY:
		if (++c->sample_turn < config.sample_value)
			return 0;
		c->sample_turn = 0;
		return 1;
	}
	return 1;
}

#endif
