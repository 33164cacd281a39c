// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)
// The pcap-filter language, as libpcap compiles it.
#pragma once

#include <napi.h>

// compileFilter(text, link) -> [{code, jt, jf, k}, ...]; link is "ethernet" or "raw" (IP at once);
// throws an Error with libpcap's message
Napi::Value compile_filter(const Napi::CallbackInfo &info);
