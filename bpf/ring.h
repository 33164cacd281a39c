/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* The ring destination: copy a frame, cut to the snaplen, into the ring of this CPU. */
#ifndef XSPAN_RING_H
#define XSPAN_RING_H

#include "bounded.h"
#include "count.h"
#include "maps.h"
#include "offload.h"
#include "other_interface.h"

/* Copies `len` bytes, at most `room`, of the frame from `off`. 0 or negative errno. */
static __always_inline long load_bounded(const struct frame *f, __u32 off, void *to, __u64 len,
					 const __u64 room)
{
	hide(len);
	if (len > room)
		len = room;
	hide(len);
	if ((__s64)len < 1) /* signed: as "== 0" kernel 6.1 would not learn that it is at least 1 */
		return 0;
	return frame_load(f, off, to, (__u32)len);
}

/* The canonical frame: a tag that the kernel keeps in metadata goes back behind the addresses. */
static __always_inline long load_canonical(const struct frame *f, __u8 *to, __u32 len,
					   const __u32 room)
{
	const __u32 head = MAC_ADDRESSES_LEN + VLAN_TAG_LEN;

	if (!f->tag_present || len < head)
		return load_bounded(f, 0, to, len, room);
	if (frame_load(f, 0, to, MAC_ADDRESSES_LEN))
		return -EINVAL;
	*(__be16 *)(to + MAC_ADDRESSES_LEN) = f->tag_proto;
	*(__be16 *)(to + MAC_ADDRESSES_LEN + 2) = bpf_htons(f->tag_tci);
	return load_bounded(f, MAC_ADDRESSES_LEN, to + head, len - head, room - head);
}

/* Sessions that do not ask for it have no room for it, either. */
static __always_inline __u8 *put_way(struct xs_record *r, const struct way *w)
{
	r->other_interface = w->other;
	if (!config.other_interface)
		return r->data;
	r->flags |= XS_REC_HOP_ROOM;
	if (w->hop_family == AF_INET)
		r->flags |= XS_REC_HOP_IPV4;
	if (w->hop_family == AF_INET6)
		r->flags |= XS_REC_HOP_IPV6;
	__builtin_memcpy(r->data, &w->hop, sizeof(w->hop));
	return r->data + sizeof(w->hop);
}

static __always_inline void describe(struct xs_record *r, const struct frame *f, __u32 cap_len)
{
	/* Stamped after the reservation: what was stamped before a moment is in the ring at that
	 * moment, so the consumer can put the rings of all CPUs into one order. */
	r->time_ns = bpf_ktime_get_boot_ns();
	r->cap_len = cap_len;
	r->wire_len = f->len;
	r->tap = (__u16)config.tap;
	r->segs = (__u16)f->segs;
	r->gso_size = (__u16)f->gso_size;
	r->queue = receive_queue(f);
	r->flags = (__u16)offload_flags(f);
	r->selection = (__u16)config.selection;
}

static __always_inline __u64 wakeup(void *ring)
{
	__u32 zero = 0;
	struct xs_state *s = bpf_map_lookup_elem(&state, &zero);

	if (config.wake_bytes && bpf_ringbuf_query(ring, BPF_RB_AVAIL_DATA) < config.wake_bytes)
		return BPF_RB_NO_WAKEUP;
	/* Two CPUs may both see it: a second wake-up is harmless, a missing one would not be. */
	if (!s || !s->consumer_sleeps)
		return BPF_RB_NO_WAKEUP;
	s->consumer_sleeps = 0;
	return BPF_RB_FORCE_WAKEUP;
}

/* What happened here since the last record. */
static __always_inline void report(struct xs_record *r, struct xs_counters *c)
{
	__u64 passed = c->seen.frames - c->filtered.frames;

	r->lost = (__u32)c->unreported;
	c->unreported = 0;
	r->passed = (__u32)(passed - c->reported);
	c->reported = passed;
}

/* bpf_ringbuf_reserve wants a constant size: one instance per size class, chosen by frame length.
 */
static __always_inline void put(void *ring, struct xs_counters *c, const struct frame *f,
				__u32 cap_len, const struct way *w, const __u32 room)
{
	const __u32 hop_room = config.other_interface ? sizeof(w->hop) : 0;
	struct xs_record *r = bpf_ringbuf_reserve(ring, sizeof(*r) + hop_room + room, 0);

	if (!r) {
		count_lost(c, XS_LOST_RING_FULL, f);
		return;
	}
	describe(r, f, cap_len);
	if (load_canonical(f, put_way(r, w), cap_len, room)) {
		bpf_ringbuf_discard(r, wakeup(ring));
		count_lost(c, XS_LOST_LOAD_FAILED, f);
		return;
	}
	report(r, c);
	bpf_ringbuf_submit(r, wakeup(ring));
	count(&c->delivered, f);
}

/* clang-format off */
#define FOR_EACH_SIZE_CLASS(X) \
	X(64) X(128) X(192) X(256) X(384) X(512) X(768) X(1024) X(1280) X(1536) X(2048) X(4096) \
	X(9216) X(16384) X(32768) X(66560) X(131072) X(262144)
/* clang-format on */

static __always_inline void deliver_to_ring(struct xs_counters *c, const struct frame *f)
{
	__u32 cpu = bpf_get_smp_processor_id();
	void *ring = bpf_map_lookup_elem(&rings, &cpu);
	__u32 cap_len = f->len < config.snaplen ? f->len : config.snaplen;
	struct way w = {};

	if (!ring) {
		count_lost(c, XS_LOST_RING_FULL, f);
		return;
	}
	find_way(&w, f);
	/* A class whose smaller neighbour already holds the snaplen is never reached: the
	 * verifier knows the snaplen and drops the rest. */
#define PUT_IF_FITS(room)                                                                          \
	if (cap_len <= (room)) {                                                                   \
		put(ring, c, f, cap_len, &w, room);                                                \
		return;                                                                            \
	}
	FOR_EACH_SIZE_CLASS(PUT_IF_FITS)
#undef PUT_IF_FITS
	count_lost(c, XS_LOST_LOAD_FAILED, f);
}

#endif
