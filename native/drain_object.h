// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)
// JavaScript: new Drain(maps, {format, ...}, onReady), see src/session/native.ts.
#pragma once

#include <napi.h>

#include <memory>

#include "cleanup_hook.h"
#include "drain.h"

class DrainObject : public Napi::ObjectWrap<DrainObject>
{
public:
	static Napi::Function define(Napi::Env env);
	explicit DrainObject(const Napi::CallbackInfo &info);
	~DrainObject() override;

private:
	friend class CleanupHook<DrainObject>;
	Napi::Value buffers(const Napi::CallbackInfo &info);
	Napi::Value take(const Napi::CallbackInfo &info);
	Napi::Value give_back(const Napi::CallbackInfo &info);
	Napi::Value finish(const Napi::CallbackInfo &info);
	Napi::Value abandon(const Napi::CallbackInfo &info);
	Napi::Value finished(const Napi::CallbackInfo &info);
	Napi::Value close(const Napi::CallbackInfo &info);
	void stop();

	Notifier notifier_;
	std::unique_ptr<Drain> drain_; // ends before the notifier it uses
	CleanupHook<DrainObject> hook_;
};
