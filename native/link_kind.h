// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)
#pragma once

#include <libmnl/libmnl.h>
#include <napi.h>

// What an interface's kind, and the kind of its master, say about it (IFLA_LINKINFO), as properties
// of link: kind, slaveKind, vlan, vxlan, geneve, gre, ipTunnel, macvlan, ipvlan, tun, bond, bridge,
// bridgePort.
void read_link_kind(Napi::Env env, Napi::Object link, const nlattr *link_info);
