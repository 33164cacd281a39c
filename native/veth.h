// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)
// The devices that xspan itself creates: veth pairs for mirror ports.
#pragma once

#include <napi.h>

// createVeth({outer, inner: names, outerAddress, innerAddress: Uint8Array, innerIfindex, alias,
// mtu, queue, outerNetns?, innerNetns?: Netns, offloads}) -> ifindex of the outer end. Both ends
// are up, without ARP, multicast and IPv6, and without offloads unless those are wanted; the outer
// one has a pfifo of `queue` frames. Throws EEXIST when a name or the ifindex is taken; nothing is
// left then.
Napi::Value create_veth(const Napi::CallbackInfo &info);
// deleteLink(ifindex) -> whether it was there
Napi::Value delete_link(const Napi::CallbackInfo &info);
// linkDrops(ifindex) -> frames that the driver refused to transmit
Napi::Value link_drops(const Napi::CallbackInfo &info);
