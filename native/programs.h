// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)
// BPF programs that others (or a crashed run of ours) have attached.
#pragma once

#include <napi.h>

#include <vector>

// program(id) -> {id, name} or null
Napi::Value program(const Napi::CallbackInfo &info);
// tcxPrograms(ifindex, direction) -> ids in order, or null where the kernel has no tcx
Napi::Value tcx_programs(const Napi::CallbackInfo &info);
// clsactFilters(ifindex, direction) -> [{kind, priority, handle, name, programId}]
Napi::Value clsact_filters(const Napi::CallbackInfo &info);
// clsactCreate(ifindex) -> "created", or the kind of what was there: "clsact", "ingress"
Napi::Value clsact_create(const Napi::CallbackInfo &info);
// clsactDetach(ifindex, direction, handle, priority)
Napi::Value clsact_detach(const Napi::CallbackInfo &info);
// clsactDestroyIfEmpty(ifindex) -> true: the qdisc had no filter left and is gone
Napi::Value clsact_destroy_if_empty(const Napi::CallbackInfo &info);

// The same for an interface of the namespace that the calling thread is in. 0 or a negative errno.
int tcx_program_ids(int ifindex, bool egress, std::vector<uint32_t> *ids);
