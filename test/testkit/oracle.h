// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)
#pragma once

#include <napi.h>

Napi::Value pcap_matches(const Napi::CallbackInfo &info);
