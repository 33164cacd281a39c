/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/*
 * What a super-frame becomes in the mirror port: so many frames, each with headers of its own.
 * Exact, because the ledger of the tap must meet that of the mirror port to the byte.
 */
#ifndef XSPAN_SEGMENTS_H
#define XSPAN_SEGMENTS_H

#include "frame.h"
#include "maps.h"
#include "offload.h"

#define UDP_HEADER_LEN 8
#define HOPOPTS_LEN 8

static __always_inline __u32 tcp_header_len(struct __sk_buff *skb, __u32 at)
{
	__u8 offset;

	if (bpf_skb_load_bytes(skb, at + 12, &offset, 1))
		return 0;
	return (offset >> 4) * 4;
}

/* Of a super-frame, and of each frame that it becomes. */
struct headers {
	__u32 len;
	__u32 stripped; /* bytes of them that no frame has any more */
};

/* Up to the payload of TCP or UDP, whose header, or the options in front, is at `at`. */
static __always_inline struct headers up_to_payload(struct __sk_buff *skb, __u32 at, __u8 protocol)
{
	struct headers h = {};

	/* Hop-by-hop options in front of a super-frame are those of BIG TCP (RFC 2675): segmenting
	 * takes them away. */
	if (protocol == IPPROTO_HOPOPTS)
		h.stripped = HOPOPTS_LEN;
	if (protocol == IPPROTO_TCP || protocol == IPPROTO_HOPOPTS)
		h.len = at + h.stripped + tcp_header_len(skb, at + h.stripped);
	else
		h.len = at + UDP_HEADER_LEN;
	return h;
}

/* The Ethernet header that xspan_ethernet will put in front. */
static __always_inline __u32 header_to_come(void)
{
	return config.first_hop ? ETHERNET_LEN : 0;
}

/* The type of what is behind the Ethernet header and its tags, and where that begins. 0: nowhere.
 */
static __always_inline __be16 network_type(struct __sk_buff *skb, __u32 *at)
{
	__be16 type = 0;

	*at = 0;
	if (config.first_hop)
		return (__be16)skb->protocol;
	*at = MAC_ADDRESSES_LEN;
	for (int tags = 0; tags < 3; tags++) {
		if (bpf_skb_load_bytes(skb, *at, &type, 2))
			return 0;
		if (type != bpf_htons(ETH_P_8021Q) && type != bpf_htons(ETH_P_8021AD))
			break;
		*at += VLAN_TAG_LEN;
	}
	*at += 2;
	return type;
}

/* len 0: not IP. */
static __always_inline struct headers plain_headers(struct __sk_buff *skb)
{
	const struct headers none = {};
	__u8 ip[10];
	__u32 at;
	const __be16 type = network_type(skb, &at);

	if (bpf_skb_load_bytes(skb, at, ip, sizeof(ip)))
		return none;
	if (type == bpf_htons(ETH_P_IP))
		return up_to_payload(skb, at + (ip[0] & 15) * 4, ip[9]);
	if (type == bpf_htons(ETH_P_IPV6))
		return up_to_payload(skb, at + 40, ip[6]);
	return none;
}

/* A pointer as a number: the verifier lets nobody subtract pointers. */
#define address_of(skb, field) ((__u32)(__u64)BPF_CORE_READ(skb, field))

/* In a tunnel, which the kernel segments inside: everything up to the inner payload. len 0: no
 * tunnel.
 */
static __always_inline struct headers tunnel_headers(struct __sk_buff *ctx, enum hook hook)
{
	const struct headers none = {};
	struct sk_buff___xspan *skb;
	__u32 headroom, network, transport;
	__u8 ip[10];

	if (hook == HOOK_TC_6_1) /* cannot look */
		return none;
	skb = bpf_cast_to_kern_ctx(ctx);
	if (!BPF_CORE_READ_BITFIELD(skb, encapsulation))
		return none;
	headroom = address_of(skb, data) - address_of(skb, head);
	network = skb->inner_network_header - headroom;
	transport = skb->inner_transport_header - headroom;
	if (bpf_skb_load_bytes(ctx, network, ip, sizeof(ip)))
		return none;
	return up_to_payload(ctx, transport, ip[0] >> 4 == 4 ? ip[9] : ip[6]);
}

static __always_inline void count_as_on_wire(struct frame *f)
{
	struct headers h;
	__u32 payload;

	if (config.sink != XS_SINK_MIRROR_PORT)
		return;
	f->len += header_to_come();
	f->bytes = f->len;
	if (!f->gso_size)
		return;
	h = tunnel_headers(f->ctx, f->hook);
	if (!h.len)
		h = plain_headers(f->ctx);
	if (!h.len)
		return;
	h.len += header_to_come();
	if (f->tag_present)
		h.len += VLAN_TAG_LEN;
	if (h.len >= f->len)
		return;
	payload = f->len - h.len;
	f->segs = (payload + f->gso_size - 1) / f->gso_size;
	f->bytes = payload + f->segs * (h.len - h.stripped);
}

#endif
