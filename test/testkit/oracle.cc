// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)
// libpcap's own interpreter: what a filter must agree with. Apart from testkit.cc because libpcap
// and the kernel each have a struct bpf_insn.
#include "oracle.h"

#include <pcap/pcap.h>

#include <string>

// pcapMatches(text, frames): for each frame, what libpcap's own interpreter says; the oracle of
// filters
Napi::Value pcap_matches(const Napi::CallbackInfo &info)
{
	auto env = info.Env();
	auto frames = info[1].As<Napi::Array>();
	auto text = info[0].As<Napi::String>().Utf8Value();
	bpf_program program = {};
	pcap_t *handle = pcap_open_dead(DLT_EN10MB, 262144);
	if (pcap_compile(handle, &program, text.c_str(), 1, PCAP_NETMASK_UNKNOWN)) {
		auto error = Napi::Error::New(env, pcap_geterr(handle));
		pcap_close(handle);
		throw error;
	}
	auto result = Napi::Array::New(env);
	for (uint32_t i = 0; i < frames.Length(); i++) {
		auto frame = frames.Get(i).As<Napi::Uint8Array>();
		pcap_pkthdr header = {};
		header.caplen = header.len = static_cast<bpf_u_int32>(frame.ByteLength());
		result.Set(i, Napi::Boolean::New(env, pcap_offline_filter(&program, &header,
									  frame.Data()) != 0));
	}
	pcap_freecode(&program);
	pcap_close(handle);
	return result;
}
