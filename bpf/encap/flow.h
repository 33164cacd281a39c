/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/*
 * A source port per flow of the mirrored traffic, so that routers on the way and the collector's
 * queues spread flows and keep each in order (RFC 7348 section 5, RFC 8926 section 3.3).
 */
#ifndef XSPAN_FLOW_H
#define XSPAN_FLOW_H

#include "copy.h"

#define DYNAMIC_PORTS_FROM 49152 /* RFC 6335: 2^14 ports */
#define DYNAMIC_PORTS_MASK 0x3fff

#define FRAGMENT_MASK 0x3fff /* more fragments, or an offset */

/* Both ends of a flow and what they have in common. */
struct flow {
	__u32 from, to;
	__u32 from_port, to_port;
	__u32 protocol;
};

static __always_inline int has_ports(__u8 protocol)
{
	return protocol == IPPROTO_TCP || protocol == IPPROTO_UDP || protocol == IPPROTO_SCTP;
}

static __always_inline void read_ports(struct flow *f, const __u8 *at, const void *end)
{
	if (at + 4 > (const __u8 *)end)
		return;
	f->from_port = *(const __u16 *)at;
	f->to_port = *(const __u16 *)(at + 2);
}

static __always_inline void read_ipv4(struct flow *f, const __u8 *ip, const void *end)
{
	__u32 header;

	if (ip + 20 > (const __u8 *)end)
		return;
	f->from = *(const __u32 *)(ip + 12);
	f->to = *(const __u32 *)(ip + 16);
	f->protocol = ip[9];
	/* Later fragments have no ports: the first must not be told apart by its own. */
	if (*(const __be16 *)(ip + 6) & bpf_htons(FRAGMENT_MASK) || !has_ports(ip[9]))
		return;
	header = (ip[0] & 15) * 4;
	read_ports(f, ip + header, end);
}

static __always_inline __u32 fold_ipv6(const __u8 *address)
{
	const __u32 *word = (const __u32 *)address;

	return word[0] ^ word[1] ^ word[2] ^ word[3];
}

static __always_inline void read_ipv6(struct flow *f, const __u8 *ip, const void *end)
{
	if (ip + 40 > (const __u8 *)end)
		return;
	f->from = fold_ipv6(ip + 8);
	f->to = fold_ipv6(ip + 24);
	f->protocol = ip[6];
	if (has_ports(ip[6]))
		read_ports(f, ip + 40, end);
}

/* Of other protocols, the MAC addresses. */
static __always_inline void read_addresses(struct flow *f, const __u8 *mac)
{
	f->to = *(const __u32 *)(mac + 2);
	f->from = *(const __u32 *)(mac + 8);
}

static __always_inline struct flow flow_of(const __u8 *frame, const void *end)
{
	struct flow f = {};
	const __u8 *type = frame + MAC_ADDRESSES_LEN;

	if (frame + ETHERNET_LEN > (const __u8 *)end)
		return f;
	read_addresses(&f, frame);
	for (int tags = 0; tags < 2; tags++) {
		if (*(const __be16 *)type != bpf_htons(ETH_P_8021Q) &&
		    *(const __be16 *)type != bpf_htons(ETH_P_8021AD))
			break;
		type += VLAN_TAG_LEN;
		if (type + 2 > (const __u8 *)end)
			return f;
	}
	f.protocol = *(const __be16 *)type;
	if (f.protocol == bpf_htons(ETH_P_IP))
		read_ipv4(&f, type + 2, end);
	else if (f.protocol == bpf_htons(ETH_P_IPV6))
		read_ipv6(&f, type + 2, end);
	return f;
}

/* What does not change when the two ends change places. */
static __always_inline void make_symmetric(struct flow *f)
{
	struct flow g = *f;

	f->from = g.from ^ g.to;
	f->to = g.from + g.to;
	f->from_port = g.from_port ^ g.to_port;
	f->to_port = g.from_port + g.to_port;
}

/* The mixing of MurmurHash3 (public domain, Austin Appleby). */
static __always_inline __u32 mix(__u32 hash, __u32 word)
{
	word *= 0xcc9e2d51;
	word = word << 15 | word >> 17;
	hash ^= word * 0x1b873593;
	hash = hash << 13 | hash >> 19;
	return hash * 5 + 0xe6546b64;
}

static __always_inline __u32 source_port_of(const __u8 *frame, const void *end)
{
	struct flow f = flow_of(frame, end);
	__u32 hash = 0;

	if (config.symmetric)
		make_symmetric(&f);
	hash = mix(hash, f.from);
	hash = mix(hash, f.to);
	hash = mix(hash, f.from_port << 16 ^ f.to_port);
	hash = mix(hash, f.protocol);
	hash ^= hash >> 16;
	hash *= 0x85ebca6b;
	hash ^= hash >> 13;
	return DYNAMIC_PORTS_FROM + (hash & DYNAMIC_PORTS_MASK);
}

#endif
