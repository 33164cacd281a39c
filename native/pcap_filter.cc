// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)
#include "pcap_filter.h"

#include <pcap/pcap.h>

#include <memory>
#include <string>

namespace
{

constexpr int longest_frame = 262144;
// libpcap's optimizer takes seconds for some hundred hosts. Longer programs run as they are.
constexpr unsigned worth_optimizing = 1500;

struct Program : bpf_program {
	Program() : bpf_program{} {}
	~Program() { pcap_freecode(this); }
	Program(const Program &) = delete;
	Program &operator=(const Program &) = delete;
};

Napi::Array to_array(Napi::Env env, const bpf_program &program)
{
	auto list = Napi::Array::New(env, program.bf_len);
	for (unsigned i = 0; i < program.bf_len; i++) {
		const auto &from = program.bf_insns[i];
		auto instruction = Napi::Object::New(env);
		instruction.Set("code", Napi::Number::New(env, from.code));
		instruction.Set("jt", Napi::Number::New(env, from.jt));
		instruction.Set("jf", Napi::Number::New(env, from.jf));
		instruction.Set("k", Napi::Number::New(env, from.k));
		list.Set(i, instruction);
	}
	return list;
}

} // namespace

Napi::Value compile_filter(const Napi::CallbackInfo &info)
{
	auto env = info.Env();
	auto text = info[0].As<Napi::String>().Utf8Value();
	const bool is_raw = info[1].As<Napi::String>().Utf8Value() == "raw";
	std::unique_ptr<pcap_t, decltype(&pcap_close)> handle(
		pcap_open_dead(is_raw ? DLT_RAW : DLT_EN10MB, longest_frame), pcap_close);
	auto compile = [&](Program *program, bool optimize) {
		if (pcap_compile(handle.get(), program, text.c_str(), optimize,
				 PCAP_NETMASK_UNKNOWN))
			throw Napi::Error::New(env, pcap_geterr(handle.get()));
	};
	Program plain, optimized;
	if (!handle)
		throw Napi::Error::New(env, "out of memory");
	compile(&plain, false);
	if (plain.bf_len > worth_optimizing)
		return to_array(env, plain);
	compile(&optimized, true);
	return to_array(env, optimized);
}
