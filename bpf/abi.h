/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/*
 * Everything that crosses the boundary between the kernel programs and user space.
 *
 * This is the only definition. bpf/ and native/ include it; src/abi.gen.ts is generated from the
 * BTF of the compiled programs by scripts/gen-abi.ts, and `make check` fails when the two differ.
 * Raise XS_ABI_VERSION with every change of meaning or layout.
 */
#ifndef XSPAN_ABI_H
#define XSPAN_ABI_H

#include <linux/types.h>

enum xs_abi {
	XS_ABI_VERSION = 6,
};

/* Direction of a frame relative to the host; the values are those of pcapng's epb_flags bits 0-1.
 */
enum xs_direction {
	XS_DIR_RX = 1,
	XS_DIR_TX = 2,
};

enum xs_sink {
	XS_SINK_PORT = 1,	 /* clone to another interface, inside the kernel */
	XS_SINK_RING = 2,	 /* copy into the ring of this CPU */
	XS_SINK_MIRROR_PORT = 3, /* clone into the session's mirror port, see bpf/port.bpf.c */
};

enum xs_sample {
	XS_SAMPLE_ALL = 0,
	XS_SAMPLE_RANDOM = 1, /* each frame with the same probability, independently */
	XS_SAMPLE_EVERY = 2,  /* one in sample_rate, per tap and CPU */
};

/* Why a frame that should have been delivered was not. One counter each, see struct xs_counters. */
enum xs_lost {
	XS_LOST_RING_FULL,   /* the consumer was slower than the traffic */
	XS_LOST_LOAD_FAILED, /* the frame's bytes could not be read */
	XS_LOST_PORT_DOWN,   /* ENETDOWN: the destination port is down */
	XS_LOST_PORT_GONE,   /* EINVAL, ENODEV: the destination port does not exist any more */
	XS_LOST_PORT_QUEUE, /* NET_XMIT_DROP, NET_XMIT_CN: the destination's queue or driver refused
			     */
	XS_LOST_NO_MEMORY,  /* ENOMEM: the kernel could not clone the frame */
	XS_LOST_CLONE_FAILED, /* any other errno; the last one is in xs_counters.clone_errno */
	XS_LOST_KINDS,
};

struct xs_count {
	__u64 frames; /* a GSO super-frame counts as its segments */
	/* VLAN tag included, FCS not; a super-frame as the tap saw it or, into a mirror port, as
	 * the frames it becomes there: each with headers of its own, also with the Ethernet header
	 * that it only gets on the way */
	__u64 bytes;
};

/* Per tap and CPU. Only __u64 words, so that user space can add up CPUs without knowing fields. */
struct xs_counters {
	struct xs_count seen;
	struct xs_count filtered;
	struct xs_count sampled_out;
	struct xs_count rate_limited;
	struct xs_count delivered; /* port: accepted by its queue; ring: committed to the ring */
	struct xs_count lost[XS_LOST_KINDS];
	__u64 unreported;	 /* frames lost since the last record of this tap and CPU */
	__u64 reported;		 /* frames that had passed the filter at that record */
	__u64 clone_errno;	 /* positive errno of the last XS_LOST_CLONE_FAILED */
	__u64 sample_pass;	 /* frames still to pass over before the next one that is copied */
	__u64 sample_generation; /* xs_config.sample_generation that sample_pass was drawn under */
};

/* Constant for the life of a loaded tap (rodata): the verifier removes what is switched off. */
struct xs_config {
	__u32 abi;	      /* XS_ABI_VERSION */
	__u32 tap;	      /* index of this tap in its session */
	__u32 direction;      /* enum xs_direction */
	__u32 said_direction; /* the same, as seen from what was named: a container's end of a pair
			       */
	__u32 sink;	      /* enum xs_sink */
	__u32 port_ifindex;   /* XS_SINK_PORT: where copies go */
	__u32 snaplen;	      /* XS_SINK_RING: bytes copied of each frame at most */
	__u32 limited;	      /* 1: stop after xs_state.budget copies */
	__u32 sample_mode;    /* enum xs_sample */
	__u32 sample_rate;    /* XS_SAMPLE_EVERY */
	__u32 sample_generation;  /* another number with every change of the sampling, not 0 */
	__u32 sample_scale_shift; /* fractional bits of sample_scale */
	__u32 selection;	  /* of its session, in the order of time; goes into the records */
	__u32 other_interface;	  /* 1: find out xs_record.other_interface and the next hop */
	__u32 ip_at;		  /* bytes in front of an IP header: 14, or 0 without Ethernet */
	__u64 sample_scale;	  /* XS_SAMPLE_RANDOM: 1 / -log2(1 - probability) */
	__u32 limit_by_bytes;	  /* 1: limit_cost is per byte, otherwise per frame */
	__u64 limit_cost;  /* time that one unit takes at the limit, see bpf/limit.h; 0: no limit */
	__u64 limit_burst; /* time by which frames may run ahead of the limit */
	__u64 wake_bytes;  /* user space is woken when so many bytes wait in a ring */
	__u32 first_hop;   /* XS_SINK_MIRROR_PORT: by way of this device, where frames without an
			      Ethernet header get one, see xspan_ethernet; 0: they have one */
};

/*
 * The inner ends of mirror ports have an ifindex in this range, in every session of every process:
 * whatever a tap meets with such a skb->ingress_ifindex is a copy, and is not copied again.
 */
enum xs_inner_ifindex {
	XS_INNER_IFINDEX_FIRST = 0x58530000, /* "XS" */
	XS_INNER_IFINDEX_MASK = 0x7fff0000,
};

/* Why the mirror port did not hand a copy on. One counter each, see struct xs_port_counters. */
enum xs_port_lost {
	XS_PORT_LOST_NO_ROUTE,	   /* the routing table has no way to the collector */
	XS_PORT_LOST_NO_NEIGHBOUR, /* ARP or ND has not found the next hop (yet) */
	XS_PORT_LOST_UPLINK_DOWN,  /* the interface towards the collector is down */
	XS_PORT_LOST_UPLINK_QUEUE, /* its queue or driver refused the copy */
	XS_PORT_LOST_OVERSIZE,	   /* does not fit the MTU, and truncating was not wanted */
	XS_PORT_LOST_ENCAP_FAILED, /* the headers could not be written */
	XS_PORT_LOST_KINDS,
};

/* Per CPU. Only __u64 words. received = delivered + lost. Bytes are those before truncation. */
struct xs_port_counters {
	struct xs_count received;
	struct xs_count delivered;
	struct xs_count lost[XS_PORT_LOST_KINDS];
	struct xs_count truncated; /* of those: cut to fit the MTU. A snaplen does not count */
};

enum xs_erspan {
	XS_ERSPAN_II = 2,
	XS_ERSPAN_III = 3,
};

enum xs_port_limits {
	XS_PORT_HEADER_MAX = 112, /* Ethernet, IPv6, UDP, GENEVE with three options: 98 */
};

/*
 * The mirror port's constants. The headers in front of a copy come as a template; what differs from
 * frame to frame is written at these offsets into it, where 0 stands for "has none".
 */
struct xs_port_config {
	__u32 abi;	       /* XS_ABI_VERSION */
	__u32 family;	       /* AF_INET, AF_INET6; 0: no IP, the copy leaves by uplink_ifindex */
	__u32 uplink_ifindex;  /* family 0 */
	__u32 remote_tag;      /* RSPAN: TPID and TCI to push, in network order; 0: none */
	__u32 mtu;	       /* of the uplink, as the user says; 0: as the route says */
	__u32 snaplen;	       /* 0: whole frames */
	__u32 drop_oversize;   /* 1: what does not fit is lost instead of cut */
	__u32 source_is_fixed; /* 1: the source address in the template is the one to use */
	__u32 header_len;      /* Ethernet included */
	__u32 ip_sum;	      /* IPv4: sum of the template's header, in network order, not folded */
	__u32 udp_at;	      /* UDP: source port and length, over IPv6 the checksum */
	__u32 symmetric;      /* 1: both directions of a flow take the same source port */
	__u32 sequence_at;    /* GRE: sequence number */
	__u32 erspan_at;      /* ERSPAN II, III */
	__u32 erspan_version; /* enum xs_erspan */
	__u32 timestamp_unit; /* ERSPAN III: nanoseconds */
	__u32 oversized_from; /* ERSPAN III: frames (without tags) of this length are oversized */
	__u32 meta_at;	      /* GENEVE: our options */
	__u32 direction;      /* enum xs_direction of all frames; 0: in the marker tag */
	__u8 header[XS_PORT_HEADER_MAX];
};

/* Of a mirror port; shared, through mmap, with user space. */
struct xs_port_state {
	__u64 sequence;	      /* of the next copy */
	__u64 wall_offset_ns; /* wall-clock time minus CLOCK_BOOTTIME */
	__u32 outer_ifindex;
	__u32 down_ifindex; /* an uplink that user space sees is down; 0: none */
	__u32 route_mtu;    /* of packets that this host sends there itself; 0: as the uplink's */
	__u32 source[4];    /* for kernels whose route lookup does not name it (before 6.7) */
};

/* Shared by all taps of a session and, through mmap, with user space. */
struct xs_state {
	__s64 budget;	       /* copies that may still be made, when xs_config.limited */
	__u64 consumer_sleeps; /* user space waits for a wake-up: the next record gives one */
	__u64 limit_full_at;   /* when the token bucket is full again, see bpf/limit.h */
	__u64 port_down;       /* user space saw the destination port go down */
};

enum xs_record_flags {
	XS_REC_TX = 1 << 0,		/* sent by this host, otherwise received */
	XS_REC_TAG_RESTORED = 1 << 1,	/* the VLAN tag was in metadata and is back in the bytes */
	XS_REC_GSO = 1 << 2,		/* a super-frame: segs frames on a wire */
	XS_REC_CSUM_NOT_READY = 1 << 3, /* CHECKSUM_PARTIAL: the checksum will be completed later */
	XS_REC_CSUM_VALID =
		1 << 4, /* CHECKSUM_UNNECESSARY: hardware or a local sender vouches for it */
	XS_REC_OTHERHOST = 1 << 5, /* PACKET_OTHERHOST: not addressed to this interface */
	XS_REC_HOP_ROOM = 1 << 6,  /* struct xs_next_hop precedes the bytes of the frame */
	XS_REC_HOP_IPV4 = 1 << 7,  /* it is set, to an IPv4 address */
	XS_REC_HOP_IPV6 = 1 << 8,  /* to an IPv6 address */
};

/* Of a routed frame: the router that it goes to next; all zero: its destination is on the link. */
struct xs_next_hop {
	__u32 address[4]; /* in network order; IPv4: the first word */
};

/* xs_record.other_interface, where it is not an ifindex. */
enum xs_other {
	XS_OTHER_UNKNOWN = 0,
	XS_OTHER_HOST = 0x3fffffff,    /* this host sent it, or takes it itself */
	XS_OTHER_DISCARDED_SHIFT = 31, /* from this bit on: refused by a route; below it why, as in
					  sFlow: a code of ICMP destination unreachable, or 256 */
};

/* One entry in a ring, followed by the room for the next hop, where there is one, and by cap_len
 * bytes of the frame. 40 bytes, 8-byte aligned. */
struct xs_record {
	__u64 time_ns;	/* CLOCK_BOOTTIME; user space turns it into wall-clock time */
	__u32 cap_len;	/* bytes that follow */
	__u32 wire_len; /* bytes of the frame, VLAN tag included, FCS not */
	__u32 lost;	/* frames lost on this tap and CPU since its previous record */
	__u32 passed;	/* frames there since then that the sample had to choose from, with this one
			 */
	__u32 other_interface; /* by which a received frame leaves, or a sent one came; enum
				  xs_other */
	__u16 tap;
	__u16 segs;	 /* frames this record stands for: 1, or gso_segs */
	__u16 gso_size;	 /* payload bytes of each segment, 0 without GSO */
	__u16 queue;	 /* receive queue + 1, 0 when unknown */
	__u16 flags;	 /* enum xs_record_flags */
	__u16 selection; /* xs_config.selection */
	__u8 data[];
};

#endif
