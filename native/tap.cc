// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)
#include "tap.h"

#include <bpf/libbpf.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "error.h"
#include "tap.skel.h"

namespace
{

int reuse_maps(struct tap *skeleton, const SharedMaps &maps)
{
	int err = bpf_map__reuse_fd(skeleton->maps.state, maps.state_fd.get());
	if (!err)
		err = bpf_map__reuse_fd(skeleton->maps.counters, maps.counters_fd.get());
	if (!err)
		err = bpf_map__reuse_fd(skeleton->maps.rings, maps.rings_fd.get());
	return err;
}

// Loads one of the object's programs; the others stay out of the kernel.
int load(struct tap **out, const char *program, const SharedMaps &maps, const void *config)
{
	struct tap *skeleton = tap__open();
	if (!skeleton)
		return -errno;
	memcpy(const_cast<xs_config *>(
		       reinterpret_cast<const volatile xs_config *>(&skeleton->rodata->config)),
	       config, sizeof(xs_config));
	struct bpf_program *each;
	bpf_object__for_each_program (each, skeleton->obj) {
		bpf_program__set_autoload(each, !strcmp(bpf_program__name(each), program));
	}
	int err = reuse_maps(skeleton, maps);
	if (!err)
		err = tap__load(skeleton);
	if (err) {
		tap__destroy(skeleton);
		return err;
	}
	*out = skeleton;
	return 0;
}

Hook hook_of(const std::string &name)
{
	if (name == "clsact")
		return Hook::clsact;
	if (name == "xdp")
		return Hook::xdp;
	return name == "xdp-generic" ? Hook::xdp_generic : Hook::tcx;
}

} // namespace

Tap::Tap(const Napi::CallbackInfo &info) : Napi::ObjectWrap<Tap>(info)
{
	auto env = info.Env();
	auto *maps = Maps::Unwrap(info[0].As<Napi::Object>());
	auto options = info[1].As<Napi::Object>();
	auto program = options.Get("program").As<Napi::String>().Utf8Value();
	auto config = options.Get("config").As<Napi::Uint8Array>();
	if (!maps->shared())
		check(env, -EBADF, "loading a tap into a closed session");
	if (config.ByteLength() != sizeof(xs_config))
		check(env, -EINVAL, "loading a tap: the configuration has another layout");
	LibbpfLog log;
	int err = load(&skeleton_, program.c_str(), *maps->shared(), config.Data());
	check(env, err, "loading the tap program", log.text());
	prog_fd_ =
		bpf_program__fd(bpf_object__find_program_by_name(skeleton_->obj, program.c_str()));
}

Tap::~Tap()
{
	unload();
}

void Tap::unload()
{
	attachment_.reset();
	if (skeleton_)
		tap__destroy(skeleton_);
	skeleton_ = nullptr;
	prog_fd_ = -1;
}

// attach({hook, ifindex, direction}) -> {handle, priority} (0 where the hook has none)
Napi::Value Tap::attach(const Napi::CallbackInfo &info)
{
	auto env = info.Env();
	auto options = info[0].As<Napi::Object>();
	auto hook = options.Get("hook").As<Napi::String>().Utf8Value();
	LibbpfLog log;
	int err = ::attach(prog_fd_, hook_of(hook),
			   options.Get("ifindex").As<Napi::Number>().Int32Value(),
			   options.Get("direction").As<Napi::Number>().Uint32Value(), &attachment_);
	check(env, err, "attaching the tap program");
	auto result = Napi::Object::New(env);
	result.Set("handle", Napi::Number::New(env, attachment_->handle()));
	result.Set("priority", Napi::Number::New(env, attachment_->priority()));
	return result;
}

Napi::Value Tap::detach(const Napi::CallbackInfo &info)
{
	LibbpfLog log; // an interface that is gone took its filter along: nothing to say
	attachment_.reset();
	return info.Env().Undefined();
}

Napi::Value Tap::close(const Napi::CallbackInfo &info)
{
	LibbpfLog log;
	unload();
	return info.Env().Undefined();
}

// The program's descriptor, for BPF_PROG_TEST_RUN.
Napi::Value Tap::fd(const Napi::CallbackInfo &info)
{
	return Napi::Number::New(info.Env(), prog_fd_);
}

Napi::Function Tap::define(Napi::Env env)
{
	return DefineClass(env, "Tap",
			   {
				   InstanceMethod<&Tap::attach>("attach"),
				   InstanceMethod<&Tap::detach>("detach"),
				   InstanceMethod<&Tap::close>("close"),
				   InstanceMethod<&Tap::fd>("fd"),
			   });
}
