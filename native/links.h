// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)
// What the kernel says about interfaces. JavaScript: links(), ethtool(name).
#pragma once

#include <napi.h>

#include "netlink.h"

Napi::Value links(const Napi::CallbackInfo &info);
Napi::Value ethtool(const Napi::CallbackInfo &info);

// The interfaces, and their addresses, of the namespace that the socket belongs to.
Napi::Value read_links(Napi::Env env, Netlink &netlink);
Napi::Value read_addresses(Napi::Env env, Netlink &netlink);
