// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)
/* Sends the frame it is run with out of an interface. Driven by BPF_PROG_TEST_RUN with
 * BPF_F_TEST_XDP_LIVE_FRAMES, this is a source of millions of frames a second. */
#include "kernel.h"

const volatile __u32 out_ifindex;
__u64 sequence; /* numbers the frames when numbered is set */
const volatile __u32 numbered;
const volatile __u32 number_at;

char LICENSE[] SEC("license") = "Dual BSD/GPL";

SEC("xdp")
int traffic(struct xdp_md *xdp)
{
	if (numbered) {
		__u64 number = sequence++;

		bpf_xdp_store_bytes(xdp, number_at, &number, sizeof(number));
	}
	return (int)bpf_redirect(out_ifindex, 0);
}

SEC("tc")
int pass_tc(struct __sk_buff *skb)
{
	return TAP_NEXT;
}

SEC("xdp.frags")
int pass_xdp(struct xdp_md *xdp)
{
	return XDP_PASS;
}

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} next SEC(".maps");

/* Does what a NIC does that takes VLAN tags off: cb[0] and cb[1] are protocol and TCI of the tag
 * that goes into metadata. Then the program under test sees the frame. */
SEC("tc")
int with_tag(struct __sk_buff *skb)
{
	if (bpf_skb_vlan_push(skb, bpf_htons((__u16)skb->cb[0]), (__u16)skb->cb[1]))
		return TC_ACT_SHOT;
	bpf_tail_call(skb, &next, 0);
	return TC_ACT_SHOT;
}
