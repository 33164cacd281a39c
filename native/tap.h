// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)
// JavaScript: new Tap(maps, {program, config, filter?}): one loaded tap program, the filter program
// in front of it, and where they are attached.
#pragma once

#include <napi.h>

#include <memory>

#include "attachment.h"
#include "fd.h"
#include "maps.h"

class Tap : public Napi::ObjectWrap<Tap>
{
public:
	static Napi::Function define(Napi::Env env);
	explicit Tap(const Napi::CallbackInfo &info);
	~Tap() override;

private:
	Napi::Value attach(const Napi::CallbackInfo &info);
	Napi::Value take_over(const Napi::CallbackInfo &info);
	Napi::Value detach(const Napi::CallbackInfo &info);
	Napi::Value close(const Napi::CallbackInfo &info);
	Napi::Value fd(const Napi::CallbackInfo &info);
	int put_in_front(const Napi::Uint8Array &filter, bool is_xdp, const SharedMaps &maps);
	int front() const { return filter_fd_.valid() ? filter_fd_.get() : prog_fd_.get(); }
	void unload();

	Fd prog_fd_;
	Fd programs_fd_; // where the filter's tail call finds the tap; the kernel empties it on
			 // close
	Fd filter_fd_;
	std::unique_ptr<Attachment> attachment_;
};
