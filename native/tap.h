// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)
// JavaScript: new Tap(maps, {program, config}): one loaded tap program and where it is attached.
#pragma once

#include <napi.h>

#include <memory>

#include "attachment.h"
#include "maps.h"

struct tap; // the generated skeleton

class Tap : public Napi::ObjectWrap<Tap>
{
public:
	static Napi::Function define(Napi::Env env);
	explicit Tap(const Napi::CallbackInfo &info);
	~Tap() override;

private:
	Napi::Value attach(const Napi::CallbackInfo &info);
	Napi::Value detach(const Napi::CallbackInfo &info);
	Napi::Value close(const Napi::CallbackInfo &info);
	Napi::Value fd(const Napi::CallbackInfo &info);
	void unload();

	struct tap *skeleton_ = nullptr;
	int prog_fd_ = -1; // owned by skeleton_
	std::unique_ptr<Attachment> attachment_;
};
