/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/*
 * --sample: which frames are copied. A GSO super-frame is chosen or passed over as a whole: each
 * frame in it then has the same probability as any other, so frames and bytes are estimated without
 * bias.
 *
 * Random sampling draws, after each sampled frame, how many to pass over: a geometric distribution,
 * which is the same as an independent decision for every frame, but costs a frame that is passed
 * over a decrement instead of a random number.
 */
#ifndef XSPAN_SAMPLE_H
#define XSPAN_SAMPLE_H

#include "count.h"
#include "maps.h"

#define LOG_FRACTION_BITS 24

/* -log2(u / 2^32) of u in [1, 2^32 - 1], with 24 fractional bits: bit by bit, by squaring. Without
 * branches, which the verifier would follow to 2^24 ends. */
static __always_inline __u64 negative_log2(__u32 u)
{
	__u64 rest = u, exponent = 0, mantissa, log;

	for (int i = 4; i >= 0; i--) { /* the number of the highest bit that is set */
		__u64 step = -(rest >> (1 << i)) >> 63 << i;

		rest >>= step;
		exponent += step;
	}
	mantissa = (__u64)u << (31 - exponent);
	log = exponent;
	for (int i = 0; i < LOG_FRACTION_BITS; i++) {
		__u64 bit;

		mantissa = mantissa * mantissa >> 31;
		bit = mantissa >> 32;
		mantissa >>= bit;
		log = log << 1 | bit;
	}
	return (32ULL << LOG_FRACTION_BITS) - log;
}

/* Frames to pass over: floor(log(u) / log(1 - p)), where P(at least k) = (1 - p)^k. */
static __always_inline __u64 frames_to_pass(void)
{
	__u32 u;

	if (config.sample_mode == XS_SAMPLE_EVERY)
		return config.sample_rate - 1;
	u = bpf_get_prandom_u32();
	if (!u) /* stands for 2^32: the logarithm is 0 */
		return 0;
	return negative_log2(u) * config.sample_scale >>
	       (LOG_FRACTION_BITS + config.sample_scale_shift);
}

static __always_inline int is_sampled(struct xs_counters *c)
{
	if (config.sample_mode == XS_SAMPLE_ALL)
		return 1;
	if (c->sample_generation != config.sample_generation) { /* first frame under this rate */
		c->sample_generation = config.sample_generation;
		c->sample_pass = frames_to_pass();
	}
	if (c->sample_pass) {
		c->sample_pass--;
		return 0;
	}
	c->sample_pass = frames_to_pass();
	return 1;
}

#endif
