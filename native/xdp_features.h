// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)
#pragma once

#include <napi.h>

// xdpFeatures(ifindex) -> enum netdev_xdp_act of the driver (generic netlink "netdev", Linux 6.3);
// 0 where the kernel does not say
Napi::Value xdp_features(const Napi::CallbackInfo &info);
