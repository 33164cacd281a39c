// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)
// The kernel's routing and neighbour tables, as the mirror port's programs will meet them.
#pragma once

#include <napi.h>

// route(address: Uint8Array of 4 or 16, source?: the same) -> {type, ifindex, source?, gateway?,
// mtu?}, type as in enum rtn type (1 unicast, 2 local, ...). Throws ENETUNREACH and the like.
Napi::Value route(const Napi::CallbackInfo &info);
// useNeighbour(ifindex, address): what sending a packet to it would start, ARP or ND.
Napi::Value use_neighbour(const Napi::CallbackInfo &info);
// neighbourState(ifindex, address) -> NUD_*, 0: unknown
Napi::Value neighbour_state(const Napi::CallbackInfo &info);
