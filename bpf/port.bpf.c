// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)
/*
 * The mirror port: a veth pair that belongs to one session. Taps clone frames into its outer end,
 * whose offloads are off, so that the stack cuts super-frames, completes checksums and puts VLAN
 * tags back. What arrives at the inner end is what a wire would carry, and there it gets its
 * headers:
 *
 *   tap --clone--> outer end [xspan_mark] ==veth== inner end [xspan_port, xspan_exit] --> uplink
 *
 * Copies from another namespace come to the outer end by xspan_relay, those without an Ethernet
 * header by xspan_ethernet.
 */
#include "abi.h"
#include "encap/copy.h"
#include "encap/flow.h"
#include "encap/headers.h"
#include "encap/route.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* Room for the headers and the MAC addresses of the frame behind them, or for a part of it. */
struct scratch {
	__u8 header[XS_PORT_HEADER_MAX + 16];
	__u8 chunk[CHUNK_LEN + 4];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct scratch);
} scratch SEC(".maps");

/* What xspan_port tells xspan_exit, in front of the packet. */
struct handover {
	__u32 ifindex;
	__u32 len; /* of the frame as its wire carried it */
};

static __always_inline int is_tag(const __u8 *type)
{
	return *(__be16 *)type == bpf_htons(ETH_P_8021Q) ||
	       *(__be16 *)type == bpf_htons(ETH_P_8021AD);
}

/* Reads what the headers will say of the frame. 0: it has no Ethernet header. */
static __always_inline int look_at(struct copy *c)
{
	const __u8 *data = (void *)(long)c->xdp->data;
	const __u8 *end = (void *)(long)c->xdp->data_end;

	c->direction = config.direction;
	if (!config.direction) {
		if (data + ETHERNET_LEN + VLAN_TAG_LEN > end)
			return 0;
		c->marker_len = VLAN_TAG_LEN;
		c->direction = bpf_ntohs(*(__be16 *)(data + MAC_ADDRESSES_LEN + 2));
		data += VLAN_TAG_LEN;
	}
	c->len = (__u32)bpf_xdp_get_buff_len(c->xdp) - c->marker_len;
	if (data + ETHERNET_LEN + 2 > end)
		return 1; /* the shortest of frames */
	if (!is_tag(data + MAC_ADDRESSES_LEN))
		return 1;
	c->tags_len = VLAN_TAG_LEN;
	c->tci = bpf_ntohs(*(__be16 *)(data + MAC_ADDRESSES_LEN + 2));
	data += VLAN_TAG_LEN;
	if (data + ETHERNET_LEN <= end && is_tag(data + MAC_ADDRESSES_LEN))
		c->tags_len += VLAN_TAG_LEN;
	return 1;
}

/* Bytes of a frame that fit: into an IP packet of the MTU, or an Ethernet frame of it, which may
 * have one tag on top. */
static __always_inline __s32 room(const struct copy *c, const struct route *r)
{
	__u32 mtu = r->mtu;

	if (config.mtu && config.mtu < mtu)
		mtu = config.mtu;
	if (config.family)
		return (__s32)(mtu + ETHERNET_LEN - config.header_len);
	return (__s32)(mtu + ETHERNET_LEN + (c->tags_len ? VLAN_TAG_LEN : 0));
}

/* How much of the frame leaves. 0: nothing, as it does not fit and is not to be cut. */
static __always_inline int decide_length(struct copy *c, const struct route *r)
{
	const __s32 most = room(c, r);

	c->kept = c->len;
	if (config.snaplen && c->kept > config.snaplen)
		c->kept = config.snaplen;
	if ((__s32)c->kept <= most)
		return 1;
	if (config.drop_oversize || most < ETHERNET_LEN)
		return 0;
	c->kept = (__u32)most;
	add(&c->counters->truncated, c->len);
	return 1;
}

static __always_inline long cut(struct copy *c)
{
	if (c->kept == c->len)
		return 0;
	return bpf_xdp_adjust_tail(c->xdp, (int)(c->kept - c->len));
}

/* RFC 768 and RFC 8200 section 8.1; over IPv6 a checksum there must be. */
static __always_inline long complete_udp6(struct copy *c, struct scratch *s)
{
	const __u32 end = config.header_len + c->kept;
	__s64 sum = bpf_csum_diff(0, 0, (__be32 *)(s->header + IPV6_SOURCE_AT), 32,
				  bpf_htonl(IPPROTO_UDP));
	__u16 checksum;

	sum = sum_packet(c->xdp, config.udp_at, end, s->chunk,
			 add_words(sum, bpf_htonl(end - config.udp_at)));
	if (sum < 0)
		return sum;
	checksum = fold_checksum((__u64)sum);
	if (!checksum)
		checksum = 0xffff;
	return bpf_xdp_store_bytes(c->xdp, config.udp_at + 6, &checksum, sizeof(checksum));
}

/* Puts the headers in front. A marker tag makes room for them: the frame's addresses move over it.
 */
static __always_inline long encapsulate(struct copy *c, struct scratch *s, const struct route *r)
{
	const __u32 len = config.header_len;
	const __u32 moved = c->marker_len ? MAC_ADDRESSES_LEN : 0;

	for (int i = 0; i < XS_PORT_HEADER_MAX; i += 8)
		*(__u64 *)(s->header + i) = *(const volatile __u64 *)(config.header + i);
	if (moved && bpf_xdp_load_bytes(c->xdp, 0, s->header + len, MAC_ADDRESSES_LEN))
		return -EINVAL;
	if (bpf_xdp_adjust_head(c->xdp, (int)(c->marker_len - len)))
		return -EINVAL;
	fill_headers(s->header, c, r);
	if (bpf_xdp_store_bytes(c->xdp, 0, s->header, len + moved))
		return -EINVAL;
	if (config.udp_at && config.family == AF_INET6)
		return complete_udp6(c, s);
	return 0;
}

/* RSPAN: the remote VLAN's tag goes outside whatever tags the frame has (IEEE 802.1Q). */
static __always_inline long push_remote_tag(struct copy *c, struct scratch *s)
{
	if (bpf_xdp_load_bytes(c->xdp, 0, s->header, MAC_ADDRESSES_LEN) ||
	    bpf_xdp_adjust_head(c->xdp, -VLAN_TAG_LEN))
		return -EINVAL;
	*(__u32 *)(s->header + MAC_ADDRESSES_LEN) = config.remote_tag;
	return bpf_xdp_store_bytes(c->xdp, 0, s->header, MAC_ADDRESSES_LEN + VLAN_TAG_LEN);
}

static __always_inline long dress(struct copy *c, struct scratch *s, const struct route *r)
{
	if (cut(c))
		return -EINVAL;
	if (config.family)
		return encapsulate(c, s, r);
	return config.remote_tag ? push_remote_tag(c, s) : 0;
}

/* Behind a tag the kernel wants a type that stays, or it drops the frame without a word. */
#define SHORTEST_TAGGED (ETHERNET_LEN + 2)

/* On to xspan_exit, with a note in front of the packet. */
static __always_inline int hand_over(struct copy *c, __u32 ifindex)
{
	struct handover *note;

	if (config.remote_tag && c->kept < SHORTEST_TAGGED)
		return lose(c, XS_PORT_LOST_ENCAP_FAILED);
	if (bpf_xdp_adjust_meta(c->xdp, -(int)sizeof(*note)))
		return lose(c, XS_PORT_LOST_ENCAP_FAILED);
	note = (void *)(long)c->xdp->data_meta;
	if ((void *)(note + 1) > (void *)(long)c->xdp->data)
		return lose(c, XS_PORT_LOST_ENCAP_FAILED);
	note->ifindex = ifindex;
	note->len = c->len;
	return XDP_PASS;
}

SEC("xdp.frags")
int xspan_port(struct xdp_md *xdp)
{
	__u32 zero = 0;
	struct copy c = {
		.xdp = xdp,
		.counters = bpf_map_lookup_elem(&port_counters, &zero),
		.state = bpf_map_lookup_elem(&port_state, &zero),
	};
	struct scratch *s = bpf_map_lookup_elem(&scratch, &zero);
	const struct route *r;

	if (!c.counters || !c.state || !s || !look_at(&c))
		return XDP_DROP;
	add(&c.counters->received, c.len);
	r = current_route(&c);
	if (!r)
		return XDP_DROP;
	if (r->is_lost)
		return lose(&c, r->lost);
	if (!decide_length(&c, r))
		return lose(&c, XS_PORT_LOST_OVERSIZE);
	if (config.udp_at)
		c.source_port = source_port_of((void *)(long)xdp->data + c.marker_len,
					       (void *)(long)xdp->data_end);
	if (dress(&c, s, r))
		return lose(&c, XS_PORT_LOST_ENCAP_FAILED);
	return hand_over(&c, r->ifindex);
}

/* At the ingress of the inner end. A clone, because only its answer says whether the uplink took
 * the copy. */
SEC("tc")
int xspan_exit(struct __sk_buff *skb)
{
	__u32 zero = 0;
	struct xs_port_counters *c = bpf_map_lookup_elem(&port_counters, &zero);
	const struct handover *note = (void *)(long)skb->data_meta;
	__u32 len;
	long err;

	if (!c || (void *)(note + 1) > (void *)(long)skb->data)
		return TC_ACT_SHOT;
	len = note->len;
	err = bpf_clone_redirect(skb, note->ifindex, 0);
	if (!err)
		add(&c->delivered, len);
	else
		add(&c->lost[err > 0 ? XS_PORT_LOST_UPLINK_QUEUE : XS_PORT_LOST_UPLINK_DOWN], len);
	return TC_ACT_SHOT;
}

/* At the egress of the outer end, where a super-frame is still whole: a tag that says which way the
 * frame went, the only thing that an XDP program on the other side can see of it. */
SEC("tc")
int xspan_mark(struct __sk_buff *skb)
{
	if (bpf_skb_vlan_push(skb, bpf_htons(ETH_P_8021Q), (__u16)skb->cb[0]))
		return TC_ACT_SHOT;
	return TAP_NEXT;
}

/* At the ingress of a relay's inner end: a source in another network namespace clones into a pair
 * of its own, whose marker says the direction here. From here on its copies are as any others. */
SEC("tc")
int xspan_relay(struct __sk_buff *skb)
{
	__u32 zero = 0;
	const struct xs_port_state *s = bpf_map_lookup_elem(&port_state, &zero);

	if (!s)
		return TC_ACT_SHOT;
	if (!config.direction) {
		skb->cb[0] = skb->vlan_tci;
		if (bpf_skb_vlan_pop(skb))
			return TC_ACT_SHOT;
	}
	return (int)bpf_redirect(s->outer_ifindex, 0);
}

/* Between whom a packet went that never had addresses: locally administered, 58:53 for "XS". */
#define MAC_PEER                                                                                   \
	{                                                                                          \
		0x02, 0x58, 0x53, 0, 0, 1                                                          \
	}
#define MAC_HOST                                                                                   \
	{                                                                                          \
		0x02, 0x58, 0x53, 0, 0, 2                                                          \
	}

/* At the egress of a first hop, a device without Ethernet header: what has none can only be cloned
 * to such a one. It gets a header, and goes on to the mirror port or to a relay. Nothing ever
 * leaves by the device itself, which is down. */
SEC("tc")
int xspan_ethernet(struct __sk_buff *skb)
{
	const struct ethhdr received = {MAC_HOST, MAC_PEER, (__be16)skb->protocol};
	const struct ethhdr sent = {MAC_PEER, MAC_HOST, (__be16)skb->protocol};
	const int is_sent = skb->cb[0] == XS_DIR_TX;

	if (bpf_skb_change_head(skb, ETHERNET_LEN, 0) ||
	    bpf_skb_store_bytes(skb, 0, is_sent ? &sent : &received, ETHERNET_LEN, 0))
		return TC_ACT_SHOT;
	return (int)bpf_redirect(skb->cb[1], 0);
}
