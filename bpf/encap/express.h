/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/*
 * XDP_REDIRECT to the uplink: the short way, without an skb. The kernel sends such frames in bulks,
 * some time after the program has returned, and tells only its tracepoints how many a driver took.
 * So the program writes down the length of each, and the tracepoints' programs settle them in that
 * order: both run on the CPU of the bulk, one after the other.
 */
#ifndef XSPAN_EXPRESS_H
#define XSPAN_EXPRESS_H

#include <bpf/bpf_tracing.h>

#include "copy.h"

/* Twice what the kernel keeps at most (DEV_MAP_BULK_SIZE 16, and the one that makes it send). */
#define UNSETTLED_MAX 64

struct unsettled {
	__u32 first, next; /* free-running */
	__u32 len[UNSETTLED_MAX];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct unsettled);
} unsettled SEC(".maps");

struct ns_common___xspan {
	unsigned int inum;
} __attribute__((preserve_access_index));

struct net___xspan {
	struct ns_common___xspan ns;
} __attribute__((preserve_access_index));

typedef struct {
	struct net___xspan *net;
} __attribute__((preserve_access_index)) possible_net_t___xspan;

struct net_device___xspan {
	int ifindex;
	possible_net_t___xspan nd_net;
} __attribute__((preserve_access_index));

static __always_inline int is_ours(const struct net_device___xspan *from)
{
	__u32 zero = 0;
	const struct xs_port_state *s = bpf_map_lookup_elem(&port_state, &zero);

	return s && from->ifindex == (int)s->inner_ifindex && from->nd_net.net->ns.inum == s->netns;
}

static __always_inline int takes_express(const struct copy *c, __u32 ifindex)
{
	const void *data = (void *)(long)c->xdp->data;
	const void *end = (void *)(long)c->xdp->data_end;

	if (c->state->xdp_ifindex != ifindex)
		return 0;
	/* The kernel takes one tag beyond the MTU, and the remote VLAN's may be a second one. */
	if (config.remote_tag && c->tags_len)
		return 0;
	return c->state->xdp_frags || bpf_xdp_get_buff_len(c->xdp) == (__u64)(end - data);
}

static __always_inline int send_express(struct copy *c, __u32 ifindex)
{
	__u32 zero = 0;
	struct unsettled *u = bpf_map_lookup_elem(&unsettled, &zero);

	if (!u)
		return lose(c, XS_PORT_LOST_ENCAP_FAILED);
	u->len[u->next++ % UNSETTLED_MAX] = c->len;
	return (int)bpf_redirect(ifindex, 0);
}

static __always_inline void settle(struct xs_count *as, struct unsettled *u, int frames)
{
	for (int i = 0; i < UNSETTLED_MAX; i++) {
		if (i >= frames || u->first == u->next)
			return;
		add(as, u->len[u->first++ % UNSETTLED_MAX]);
	}
}

/* A bulk: drivers take its first frames and leave the others. */
static __always_inline void settle_express(int sent, int drops)
{
	__u32 zero = 0;
	struct unsettled *u = bpf_map_lookup_elem(&unsettled, &zero);
	struct xs_port_counters *c = bpf_map_lookup_elem(&port_counters, &zero);

	if (!u || !c)
		return;
	settle(&c->delivered, u, sent);
	settle(&c->lost[XS_PORT_LOST_UPLINK_QUEUE], u, drops);
}

/* The newest did not even get into a bulk. */
static __always_inline void refuse_express(int err)
{
	const enum xs_port_lost why =
		err == -ENETDOWN ? XS_PORT_LOST_UPLINK_DOWN : XS_PORT_LOST_UPLINK_QUEUE;
	__u32 zero = 0;
	struct unsettled *u = bpf_map_lookup_elem(&unsettled, &zero);
	struct xs_port_counters *c = bpf_map_lookup_elem(&port_counters, &zero);

	if (!u || !c || u->first == u->next)
		return;
	add(&c->lost[why], u->len[--u->next % UNSETTLED_MAX]);
}

#endif
