// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)
// The maps that the taps of one session share: state, counters and, for ring sessions, the rings.
#pragma once

#include <napi.h>

#include <atomic>
#include <vector>

#include "abi.h"
#include "fd.h"

struct SharedMaps {
	Fd state_fd, counters_fd, rings_fd;
	std::vector<Fd> ring_fds; // one per CPU; a single small one for a session without rings
	size_t ring_bytes = 0;	  // of each
	uint32_t taps = 0;
	xs_state *state = nullptr; // mapped, shared with the programs

	SharedMaps() = default;
	~SharedMaps();
	SharedMaps(const SharedMaps &) = delete;
	SharedMaps &operator=(const SharedMaps &) = delete;

	// ring_bytes of each: a power of two, multiple of the page size; 0 rings: none.
	int create(uint32_t taps, uint32_t rings, size_t ring_bytes);
	// Returns when every program that was running when it was called has ended.
	int wait_for_programs() const;
};

// JavaScript: new Maps({taps, rings, ringBytes})
class Maps : public Napi::ObjectWrap<Maps>
{
public:
	static Napi::Function define(Napi::Env env);
	explicit Maps(const Napi::CallbackInfo &info);
	const std::shared_ptr<SharedMaps> &shared() const { return maps_; }

private:
	Napi::Value counters(const Napi::CallbackInfo &info);
	Napi::Value set_budget(const Napi::CallbackInfo &info);
	Napi::Value budget(const Napi::CallbackInfo &info);
	Napi::Value reset_limit(const Napi::CallbackInfo &info);
	Napi::Value set_port_down(const Napi::CallbackInfo &info);
	Napi::Value quiesce(const Napi::CallbackInfo &info);
	Napi::Value close(const Napi::CallbackInfo &info);
	SharedMaps &open(const Napi::CallbackInfo &info) const;

	std::shared_ptr<SharedMaps> maps_;
};
