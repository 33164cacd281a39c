// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)
#include "drain_object.h"

#include <cerrno>

#include "error.h"

namespace
{

uint64_t number(const Napi::Object &options, const char *name)
{
	return static_cast<uint64_t>(options.Get(name).As<Napi::Number>().Int64Value());
}

std::unique_ptr<Format> format_of(const Napi::Object &options)
{
	if (options.Get("format").As<Napi::String>().Utf8Value() == "raw")
		return std::make_unique<RawFormat>();
	PcapngFormat::Rotation rotation;
	if (options.Has("fileBytes"))
		rotation.bytes = number(options, "fileBytes");
	if (options.Has("filePeriodMs")) {
		rotation.period_ns = number(options, "filePeriodMs") * 1'000'000;
		rotation.start_ns = number(options, "startMs") * 1'000'000;
	}
	return std::make_unique<PcapngFormat>(rotation);
}

} // namespace

DrainObject::DrainObject(const Napi::CallbackInfo &info)
    : Napi::ObjectWrap<DrainObject>(info), hook_(info.Env(), this)
{
	auto env = info.Env();
	auto *maps = Maps::Unwrap(info[0].As<Napi::Object>());
	if (!maps->shared())
		check(env, -EBADF, "draining a closed session");
	drain_ = std::make_unique<Drain>(maps->shared(), format_of(info[1].As<Napi::Object>()));
	check(env, drain_->open(), "mapping the rings");
	if (notifier_.open(env, info[2], true) != napi_ok)
		check(env, -ENOMEM, "creating a thread-safe function");
	drain_->start(&notifier_);
}

DrainObject::~DrainObject()
{
	stop();
}

void DrainObject::stop()
{
	if (drain_)
		drain_->abandon();
	notifier_.close();
	hook_.disarm();
}

// ArrayBuffer[]: the slabs. Each keeps its memory alive, also after the session has ended.
Napi::Value DrainObject::buffers(const Napi::CallbackInfo &info)
{
	auto env = info.Env();
	auto list = Napi::Array::New(env);
	for (const auto &slab : drain_->slabs()) {
		auto *owner = new std::shared_ptr(slab.memory());
		list.Set(list.Length(),
			 Napi::ArrayBuffer::New(
				 env, (*owner)->data(), (*owner)->size(),
				 [](Napi::Env, void *, decltype(owner) held) { delete held; },
				 owner));
	}
	return list;
}

// {slab, bytes, records, nextFileMs?} of the oldest filled slab, or null.
Napi::Value DrainObject::take(const Napi::CallbackInfo &info)
{
	auto env = info.Env();
	Drain::Taken taken;
	if (!drain_ || !drain_->take(&taken))
		return env.Null();
	auto result = Napi::Object::New(env);
	result.Set("slab", Napi::Number::New(env, static_cast<double>(taken.slab)));
	result.Set("bytes", Napi::Number::New(env, static_cast<double>(taken.bytes)));
	result.Set("records", Napi::Number::New(env, static_cast<double>(taken.records)));
	const uint64_t next_file_ms = taken.next_file_ns / 1'000'000;
	if (next_file_ms)
		result.Set("nextFileMs", Napi::Number::New(env, static_cast<double>(next_file_ms)));
	return result;
}

Napi::Value DrainObject::give_back(const Napi::CallbackInfo &info)
{
	if (drain_)
		drain_->give_back(info[0].As<Napi::Number>().Uint32Value());
	return info.Env().Undefined();
}

Napi::Value DrainObject::finish(const Napi::CallbackInfo &info)
{
	drain_->finish();
	return info.Env().Undefined();
}

// Ends the thread; Float64Array of frames and bytes per tap that were left in the rings.
Napi::Value DrainObject::abandon(const Napi::CallbackInfo &info)
{
	drain_->abandon();
	auto left = Napi::Float64Array::New(info.Env(), drain_->abandoned().size());
	for (size_t i = 0; i < drain_->abandoned().size(); i++)
		left[i] = drain_->abandoned()[i];
	return left;
}

Napi::Value DrainObject::finished(const Napi::CallbackInfo &info)
{
	return Napi::Boolean::New(info.Env(), drain_->finished());
}

Napi::Value DrainObject::close(const Napi::CallbackInfo &info)
{
	stop();
	return info.Env().Undefined();
}

Napi::Function DrainObject::define(Napi::Env env)
{
	return DefineClass(env, "Drain",
			   {
				   InstanceMethod<&DrainObject::buffers>("buffers"),
				   InstanceMethod<&DrainObject::take>("take"),
				   InstanceMethod<&DrainObject::give_back>("giveBack"),
				   InstanceMethod<&DrainObject::finish>("finish"),
				   InstanceMethod<&DrainObject::abandon>("abandon"),
				   InstanceMethod<&DrainObject::finished>("finished"),
				   InstanceMethod<&DrainObject::close>("close"),
			   });
}
