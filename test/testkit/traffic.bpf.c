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
