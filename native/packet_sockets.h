// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)
#pragma once

#include <napi.h>

#include "netlink.h"

// The packet sockets that made an interface promiscuous, in the namespace that the
// NETLINK_SOCK_DIAG socket belongs to: [{inode, promiscuousOn: ifindexes}]. null: this
// kernel cannot say (no packet diagnostics).
Napi::Value read_packet_sockets(Napi::Env env, Netlink &netlink);
