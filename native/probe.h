// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)
// What this kernel and these privileges allow, found out by trying.
#pragma once

#include <napi.h>

// probeLoad(): throws when no tc program may be loaded
Napi::Value probe_load(const Napi::CallbackInfo &info);
// probeTcx(): throws EINVAL when the kernel has no tcx, EPERM when that cannot be tried
Napi::Value probe_tcx(const Napi::CallbackInfo &info);
// netns() -> inode number of the network namespace this thread is in
Napi::Value netns(const Napi::CallbackInfo &info);
// pipeIsClosed(fd) -> true: nobody will ever read what is written there
Napi::Value pipe_is_closed(const Napi::CallbackInfo &info);
