// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)
// What bridges know: where addresses are, and which VLAN a port gives to frames without a tag.
#pragma once

#include <napi.h>

// bridgeTable() -> [{bridge, port, vlan, address, local}], ifindexes; vlan 0: of a bridge that does
// not filter VLANs; local: an address of the bridge itself, whichever port it belongs to.
Napi::Value bridge_table(const Napi::CallbackInfo &info);
// bridgeVlans() -> [{port, pvid}]; ports without one are not in it
Napi::Value bridge_vlans(const Napi::CallbackInfo &info);
