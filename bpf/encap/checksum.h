/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* Internet checksums (RFC 1071). */
#ifndef XSPAN_CHECKSUM_H
#define XSPAN_CHECKSUM_H

#include "../bounded.h"
#include "copy.h"

/* What bpf_csum_diff takes at once. */
#define CHUNK_LEN 512
/* Of a frame of 64 KiB and its headers. */
#define CHUNKS_MAX 130

/* Sums are of words in network order, which need no conversion (RFC 1071 section 2B). */
static __always_inline __u16 fold_checksum(__u64 sum)
{
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (__u16)~sum;
}

/* Of two sums of 32 bits, with the carry. */
static __always_inline __u32 add_words(__s64 a, __u32 b)
{
	__u64 sum = (__u32)a + (__u64)b;

	return (__u32)(sum + (sum >> 32));
}

/* Adds the bytes of the packet from `at` to its end to a sum. Negative: they could not be read. */
static __always_inline __s64 sum_packet(struct xdp_md *xdp, __u32 at, __u32 end, __u8 *chunk,
					__s64 sum)
{
	__u64 left;

	for (int i = 0; i < CHUNKS_MAX; i++) {
		if (at + CHUNK_LEN > end)
			break;
		if (bpf_xdp_load_bytes(xdp, at, chunk, CHUNK_LEN))
			return -EINVAL;
		sum = bpf_csum_diff(0, 0, (__be32 *)chunk, CHUNK_LEN, (__u32)sum);
		at += CHUNK_LEN;
	}
	left = end - at;
	hide(left);
	if (left >= CHUNK_LEN)
		left = CHUNK_LEN - 1;
	hide(left);
	if ((__s64)left < 1)
		return sum;
	if (bpf_xdp_load_bytes(xdp, at, chunk, (__u32)left))
		return -EINVAL;
	*(__u32 *)(chunk + left) = 0;
	return bpf_csum_diff(0, 0, (__be32 *)chunk, (__u32)(left + 3) & ~3U, (__u32)sum);
}

#endif
