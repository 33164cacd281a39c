// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)
#include "probe.h"

#include <bpf/bpf.h>
#include <linux/bpf.h>
#include <poll.h>
#include <sched.h>

#include <cerrno>
#include <thread>

#include "abi.h"
#include "attachment.h"
#include "error.h"
#include "netns.h"

namespace
{

// A program that lets everything go on: mov r0, -1; exit.
int load_idle_program()
{
	const bpf_insn code[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K,
		 .dst_reg = 0,
		 .src_reg = 0,
		 .off = 0,
		 .imm = -1},
		{.code = BPF_JMP | BPF_EXIT, .dst_reg = 0, .src_reg = 0, .off = 0, .imm = 0},
	};
	int fd = bpf_prog_load(BPF_PROG_TYPE_SCHED_CLS, "xspan_probe", "Dual BSD/GPL", code, 2,
			       nullptr);
	return fd < 0 ? -errno : fd;
}

// In a network namespace of its own, so that no interface of this machine is touched.
int try_tcx()
{
	constexpr int loopback = 1; // the ifindex of lo in every namespace
	std::unique_ptr<Attachment> attachment;
	Fd program(load_idle_program());
	if (!program.valid())
		return program.get();
	if (unshare(CLONE_NEWNET))
		return -errno;
	return attach(program.get(), Hook::tcx, loopback, XS_DIR_RX, 0, &attachment);
}

} // namespace

Napi::Value probe_load(const Napi::CallbackInfo &info)
{
	LibbpfLog log;
	Fd program;
	int fd = load_idle_program();
	check(info.Env(), fd, "loading a BPF program");
	program = Fd(fd);
	return info.Env().Undefined();
}

Napi::Value probe_tcx(const Napi::CallbackInfo &info)
{
	int result = 0;
	std::thread([&] { result = try_tcx(); }).join();
	check(info.Env(), result, "attaching to tcx");
	return info.Env().Undefined();
}

Napi::Value netns(const Napi::CallbackInfo &info)
{
	uint64_t inode = 0;
	check(info.Env(), own_netns_inode(&inode), "reading the network namespace");
	return Napi::Number::New(info.Env(), static_cast<double>(inode));
}

Napi::Value pipe_is_closed(const Napi::CallbackInfo &info)
{
	pollfd fd = {.fd = info[0].As<Napi::Number>().Int32Value(), .events = 0, .revents = 0};
	return Napi::Boolean::New(info.Env(), poll(&fd, 1, 0) > 0 && fd.revents & POLLERR);
}
