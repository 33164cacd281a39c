// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)
// JavaScript: new MirrorPort(config): the programs at the two ends of a session's veth pair, and
// their counters. The pair itself is made by createMirrorPort(), see links.h.
#pragma once

#include <napi.h>

#include <map>
#include <memory>
#include <vector>

#include "abi.h"
#include "attachment.h"
#include "tun.h"
#include "wall_clock.h"

struct port; // the generated skeleton

class MirrorPort : public Napi::ObjectWrap<MirrorPort>
{
public:
	static Napi::Function define(Napi::Env env);
	explicit MirrorPort(const Napi::CallbackInfo &info);
	~MirrorPort() override;

private:
	struct FirstHop {
		TunDevice device;
		std::unique_ptr<Attachment> program;
	};

	Napi::Value attach(const Napi::CallbackInfo &info);
	Napi::Value relay(const Napi::CallbackInfo &info);
	Napi::Value add_first_hop(const Napi::CallbackInfo &info);
	Napi::Value remove_first_hop(const Napi::CallbackInfo &info);
	Napi::Value counters(const Napi::CallbackInfo &info);
	Napi::Value set_state(const Napi::CallbackInfo &info);
	Napi::Value sequence(const Napi::CallbackInfo &info);
	Napi::Value fd(const Napi::CallbackInfo &info);
	Napi::Value close(const Napi::CallbackInfo &info);
	int load(const void *config);
	void unload();

	struct port *skeleton_ = nullptr;
	xs_port_state *state_ = nullptr; // mapped, shared with the programs
	WallClock wall_clock_;
	std::unique_ptr<Attachment> encapsulate_, exit_, mark_;
	std::vector<std::unique_ptr<Attachment>> relays_;
	std::map<int64_t, FirstHop> first_hops_; // by the inode of their network namespace
};
