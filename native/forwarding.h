// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)
// What the bridges of this thread's network namespace know, as numbers one behind the other: tables
// may have many thousands of entries.
#pragma once

#include <napi.h>

// forwardingTable() -> Float64Array, 4 for each entry: the bridge's ifindex, the VLAN (0: of a
// bridge without VLANs), the MAC address as a number, and the ifindex where it is: of a port, or of
// the bridge itself for its own addresses
Napi::Value forwarding_table(const Napi::CallbackInfo &info);
// bridgeVlans() -> Float64Array, 3 for each VLAN of a port, or of a bridge towards its host: the
// ifindex, the VLAN, and BRIDGE_VLAN_INFO_* (linux/if_bridge.h)
Napi::Value bridge_vlans(const Napi::CallbackInfo &info);
