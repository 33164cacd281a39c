/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* What differs from copy to copy in the headers of the template: lengths, checksums, ERSPAN fields.
 */
#ifndef XSPAN_HEADERS_H
#define XSPAN_HEADERS_H

#include "checksum.h"
#include "copy.h"
#include "route.h"

static __always_inline void put16(__u8 *at, __u16 value)
{
	*(__be16 *)at = bpf_htons(value);
}

static __always_inline void put32(__u8 *at, __u32 value)
{
	*(__be32 *)at = bpf_htonl(value);
}

/* RFC 791: total length, identification, source, header checksum. */
static __always_inline void fill_ipv4(__u8 *ip, const struct copy *c, const struct route *r,
				      __u16 identification)
{
	__be16 length = bpf_htons((__u16)(config.header_len - ETHERNET_LEN + c->kept));
	__be16 id = bpf_htons(identification);
	__u32 sum = config.ip_sum + length + id;

	*(__be16 *)(ip + 2) = length;
	*(__be16 *)(ip + 4) = id;
	*(__u32 *)(ip + 12) = r->source[0];
	sum += (r->source[0] & 0xffff) + (r->source[0] >> 16);
	*(__u16 *)(ip + 10) = fold_checksum(sum);
}

/* RFC 8200: payload length, source. */
static __always_inline void fill_ipv6(__u8 *ip, const struct copy *c, const struct route *r)
{
	put16(ip + 4, (__u16)(config.header_len - ETHERNET_LEN - 40 + c->kept));
	for (int i = 0; i < 4; i++)
		*(__u32 *)(ip + 8 + 4 * i) = r->source[i];
}

static __always_inline void fill_udp(__u8 *udp, const struct copy *c)
{
	put16(udp, (__u16)c->source_port);
	put16(udp + 4, (__u16)(config.header_len - config.udp_at + c->kept));
}

static __always_inline __u64 wall_clock_ns(const struct copy *c)
{
	return bpf_ktime_get_boot_ns() + c->state->wall_offset_ns;
}

/* draft-foschiano-erspan: short below 60 bytes, oversized beyond what the source's MTU allows. */
static __always_inline __u16 bso_of(const struct copy *c)
{
	if (c->len < 60)
		return 1;
	return c->len - c->tags_len >= config.oversized_from ? 2 : 0;
}

#define ERSPAN_COS_SHIFT 13
#define ERSPAN_BSO_SHIFT 11
#define ERSPAN_TAG_IN_FRAME (3 << 11)
#define ERSPAN_TRUNCATED (1 << 10)
#define ERSPAN_EGRESS (1 << 3)

static __always_inline void fill_erspan(__u8 *erspan, const struct copy *c)
{
	__u16 session = bpf_ntohs(*(__be16 *)(erspan + 2));

	if (c->tags_len) {
		put16(erspan, (__u16)(config.erspan_version - 1) << 12 | (c->tci & 0x0fff));
		session &= (1 << ERSPAN_COS_SHIFT) - 1;
		session |= c->tci >> 13 << ERSPAN_COS_SHIFT;
		if (config.erspan_version == XS_ERSPAN_II)
			session |= ERSPAN_TAG_IN_FRAME;
	}
	if (c->kept < c->len)
		session |= ERSPAN_TRUNCATED;
	if (config.erspan_version == XS_ERSPAN_III) {
		session |= bso_of(c) << ERSPAN_BSO_SHIFT;
		put32(erspan + 4, (__u32)(wall_clock_ns(c) / config.timestamp_unit));
		if (c->direction == XS_DIR_TX)
			put16(erspan + 10, bpf_ntohs(*(__be16 *)(erspan + 10)) | ERSPAN_EGRESS);
	}
	put16(erspan + 2, session);
}

/* Our GENEVE options, see docs/destinations.md: direction, original length, time. */
static __always_inline void fill_meta(__u8 *meta, const struct copy *c)
{
	__u64 now = wall_clock_ns(c);

	meta[6] = c->direction == XS_DIR_TX;
	put32(meta + 12, c->len);
	put32(meta + 20, (__u32)(now >> 32));
	put32(meta + 24, (__u32)now);
}

static __always_inline void fill_headers(__u8 *h, const struct copy *c, const struct route *r)
{
	/* One queue, so one CPU at a time: numbers leave in the order in which they are taken. */
	__u64 sequence = c->state->sequence++;

	__builtin_memcpy(h, r->addresses, MAC_ADDRESSES_LEN);
	if (config.family == AF_INET)
		fill_ipv4(h + ETHERNET_LEN, c, r, (__u16)sequence);
	else
		fill_ipv6(h + ETHERNET_LEN, c, r);
	if (config.udp_at)
		fill_udp(h + config.udp_at, c);
	if (config.sequence_at)
		put32(h + config.sequence_at, (__u32)sequence);
	if (config.erspan_at)
		fill_erspan(h + config.erspan_at, c);
	if (config.meta_at)
		fill_meta(h + config.meta_at, c);
}

#endif
