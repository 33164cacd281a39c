// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)
#include "tap.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/bpf.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <vector>

#include "error.h"
#include "netns.h"
#include "tap_program.h"

namespace
{

// The filter refers to maps by number, see MAP in src/filter/assembler.ts.
void put_descriptors(std::vector<bpf_insn> &code, int counters, int programs)
{
	for (auto &instruction : code)
		if (instruction.code == (BPF_LD | BPF_IMM | BPF_DW) &&
		    instruction.src_reg == BPF_PSEUDO_MAP_FD)
			instruction.imm = instruction.imm == 0 ? counters : programs;
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
	xs_config constants;
	memcpy(&constants, config.Data(), sizeof(constants));
	LibbpfLog log;
	int err = load_tap_program(program, *maps->shared(), constants, &prog_fd_);
	check(env, err, "loading the tap program", log.text());
	if (!options.Has("filter"))
		return;
	err = put_in_front(options.Get("filter").As<Napi::Uint8Array>(), program == "xspan_xdp",
			   *maps->shared());
	if (err)
		unload();
	check(env, err, "loading the filter", log.text());
}

int Tap::put_in_front(const Napi::Uint8Array &filter, bool is_xdp, const SharedMaps &maps)
{
	const auto *begin = reinterpret_cast<const bpf_insn *>(filter.Data());
	std::vector<bpf_insn> code(begin, begin + filter.ByteLength() / sizeof(bpf_insn));
	const int zero = 0, tap = prog_fd_.get();
	programs_fd_ = Fd(bpf_map_create(BPF_MAP_TYPE_PROG_ARRAY, "xspan_tap", 4, 4, 1, nullptr));
	if (!programs_fd_.valid() || bpf_map_update_elem(programs_fd_.get(), &zero, &tap, BPF_ANY))
		return -errno;
	put_descriptors(code, maps.counters_fd.get(), programs_fd_.get());
	return load_instructions("xspan_filter", code, is_xdp, &filter_fd_);
}

Tap::~Tap()
{
	unload();
}

void Tap::unload()
{
	attachment_.reset();
	prog_fd_.reset();
	filter_fd_.reset();
	programs_fd_.reset();
}

// attach({hook, ifindex, direction, priority?, netns?}) -> {handle, priority} (0 where the hook has
// none)
Napi::Value Tap::attach(const Napi::CallbackInfo &info)
{
	auto env = info.Env();
	auto options = info[0].As<Napi::Object>();
	auto hook = options.Get("hook").As<Napi::String>().Utf8Value();
	const uint32_t priority = options.Has("priority")
					  ? options.Get("priority").As<Napi::Number>().Uint32Value()
					  : 0;
	const int ifindex = options.Get("ifindex").As<Napi::Number>().Int32Value();
	const uint32_t direction = options.Get("direction").As<Napi::Number>().Uint32Value();
	LibbpfLog log;
	int err = Netns::run_in(options.Get("netns"), [&] {
		return ::attach(front(), hook_of(hook), ifindex, direction, priority, &attachment_);
	});
	check(env, err, "attaching the tap program");
	auto result = Napi::Object::New(env);
	result.Set("handle", Napi::Number::New(env, attachment_->handle()));
	result.Set("priority", Napi::Number::New(env, attachment_->priority()));
	return result;
}

// takeOver(tap): this tap stands where that one stood, from one frame to the next.
Napi::Value Tap::take_over(const Napi::CallbackInfo &info)
{
	auto *other = Tap::Unwrap(info[0].As<Napi::Object>());
	LibbpfLog log;
	int err = other->attachment_ ? other->attachment_->replace(front()) : -ENOLINK;
	check(info.Env(), err, "replacing the tap program");
	attachment_ = std::move(other->attachment_);
	return info.Env().Undefined();
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

// The descriptor of the program that frames meet first, for BPF_PROG_TEST_RUN.
Napi::Value Tap::fd(const Napi::CallbackInfo &info)
{
	return Napi::Number::New(info.Env(), front());
}

Napi::Function Tap::define(Napi::Env env)
{
	return DefineClass(env, "Tap",
			   {
				   InstanceMethod<&Tap::attach>("attach"),
				   InstanceMethod<&Tap::take_over>("takeOver"),
				   InstanceMethod<&Tap::detach>("detach"),
				   InstanceMethod<&Tap::close>("close"),
				   InstanceMethod<&Tap::fd>("fd"),
			   });
}
