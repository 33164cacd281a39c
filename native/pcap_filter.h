// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)
// The pcap-filter language, as libpcap compiles it for Ethernet.
#pragma once

#include <napi.h>

// compileFilter(text) -> [{code, jt, jf, k}, ...]; throws an Error with libpcap's message
Napi::Value compile_filter(const Napi::CallbackInfo &info);
