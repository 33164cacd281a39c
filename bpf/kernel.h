/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* What the programs need of the kernel's headers, and what Debian 12's (6.1) do not define yet. */
#ifndef XSPAN_KERNEL_H
#define XSPAN_KERNEL_H

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

/* -1 under tcx (TCX_NEXT, kernel 6.6) and under clsact (TC_ACT_UNSPEC) alike: go on to the next. */
#define TAP_NEXT TC_ACT_UNSPEC

/* include/linux/errno.h, kept out because it drags in the C library's idea of errno */
#define ENODEV 19
#define ENOMEM 12
#define EINVAL 22
#define EMSGSIZE 90
#define ENETDOWN 100

/* include/linux/skbuff.h: sk_buff.ip_summed */
#define CHECKSUM_UNNECESSARY 1
#define CHECKSUM_PARTIAL 3

/* include/linux/socket.h */
#define AF_INET 2
#define AF_INET6 10

/* include/uapi/linux/in.h, in6.h */
#define IPPROTO_HOPOPTS 0
#define IPPROTO_TCP 6
#define IPPROTO_UDP 17
#define IPPROTO_SCTP 132

#define ETHERNET_LEN 14
#define MAC_ADDRESSES_LEN 12 /* where an 802.1Q tag goes */
#define VLAN_TAG_LEN 4

/* include/uapi/linux/if_packet.h: sk_buff.pkt_type */
#define PACKET_HOST 0
#define PACKET_OTHERHOST 3

#endif
