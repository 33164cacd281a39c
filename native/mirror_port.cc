// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)
#include "mirror_port.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <vector>

#include "error.h"
#include "netns.h"
#include "per_cpu.h"
#include "port.skel.h"
#include "wall_clock.h"

static_assert(sizeof(xs_port_counters) % sizeof(uint64_t) == 0, "counters are __u64 words only");

int MirrorPort::load(const void *config)
{
	skeleton_ = port__open();
	if (!skeleton_)
		return -errno;
	memcpy(const_cast<xs_port_config *>(reinterpret_cast<const volatile xs_port_config *>(
		       &skeleton_->rodata->config)),
	       config, sizeof(xs_port_config));
	int err = port__load(skeleton_);
	if (err)
		return err;
	void *page = mmap(nullptr, sysconf(_SC_PAGESIZE), PROT_READ | PROT_WRITE, MAP_SHARED,
			  bpf_map__fd(skeleton_->maps.port_state), 0);
	if (page == MAP_FAILED)
		return -errno;
	state_ = static_cast<xs_port_state *>(page);
	return 0;
}

MirrorPort::MirrorPort(const Napi::CallbackInfo &info) : Napi::ObjectWrap<MirrorPort>(info)
{
	auto config = info[0].As<Napi::Uint8Array>();
	if (config.ByteLength() != sizeof(xs_port_config))
		check(info.Env(), -EINVAL,
		      "loading a mirror port: the configuration has another layout");
	LibbpfLog log;
	int err = load(config.Data());
	if (err)
		unload();
	check(info.Env(), err, "loading the mirror port's programs", log.text());
}

MirrorPort::~MirrorPort()
{
	unload();
}

void MirrorPort::unload()
{
	encapsulate_.reset();
	exit_.reset();
	mark_.reset();
	relays_.clear();
	first_hops_.clear();
	if (state_)
		munmap(state_, sysconf(_SC_PAGESIZE));
	state_ = nullptr;
	if (skeleton_)
		port__destroy(skeleton_);
	skeleton_ = nullptr;
}

// At tcx, or at clsact where the kernel has no tcx. The device is our own: its qdisc goes with it.
static int attach_tc(struct bpf_program *program, int ifindex, uint32_t direction,
		     std::unique_ptr<Attachment> *out)
{
	const int fd = bpf_program__fd(program);
	int err = attach(fd, Hook::tcx, ifindex, direction, 0, out);
	if (err != -EINVAL && err != -EOPNOTSUPP)
		return err;
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = ifindex, .attach_point = BPF_TC_INGRESS);
	err = bpf_tc_hook_create(&hook);
	if (err && err != -EEXIST)
		return err;
	return attach(fd, Hook::clsact, ifindex, direction, 0, out);
}

static int ifindex_of(const Napi::Object &options, const char *name)
{
	return options.Get(name).As<Napi::Number>().Int32Value();
}

// attach({outer, inner, innerNetns?, marks})
Napi::Value MirrorPort::attach(const Napi::CallbackInfo &info)
{
	auto env = info.Env();
	auto options = info[0].As<Napi::Object>();
	const int inner = ifindex_of(options, "inner"), outer = ifindex_of(options, "outer");
	const auto &programs = skeleton_->progs;
	state_->outer_ifindex = static_cast<uint32_t>(outer);
	LibbpfLog log;
	int err = 0;
	if (options.Get("marks").As<Napi::Boolean>())
		err = attach_tc(programs.xspan_mark, outer, XS_DIR_TX, &mark_);
	if (!err)
		err = Netns::run_in(options.Get("innerNetns"), [&] {
			int failed = attach_tc(programs.xspan_exit, inner, XS_DIR_RX, &exit_);
			return failed ? failed
				      : ::attach(bpf_program__fd(programs.xspan_port), Hook::xdp,
						 inner, XS_DIR_RX, 0, &encapsulate_);
		});
	check(env, err, "attaching the mirror port's programs", log.text());
	return env.Undefined();
}

// relay({outer, inner, outerNetns, marks}): a pair from another namespace into the outer end.
Napi::Value MirrorPort::relay(const Napi::CallbackInfo &info)
{
	auto options = info[0].As<Napi::Object>();
	const int inner = ifindex_of(options, "inner"), outer = ifindex_of(options, "outer");
	const auto &programs = skeleton_->progs;
	std::unique_ptr<Attachment> receive, mark;
	LibbpfLog log;
	int err = attach_tc(programs.xspan_relay, inner, XS_DIR_RX, &receive);
	if (!err && options.Get("marks").As<Napi::Boolean>())
		err = Netns::run_in(options.Get("outerNetns"), [&] {
			return attach_tc(programs.xspan_mark, outer, XS_DIR_TX, &mark);
		});
	check(info.Env(), err, "attaching a relay's programs", log.text());
	relays_.push_back(std::move(receive));
	relays_.push_back(std::move(mark));
	return info.Env().Undefined();
}

// addFirstHop({inode, netns?, alias}) -> ifindex of a device in that namespace, for frames that
// have no Ethernet header. One for each namespace.
Napi::Value MirrorPort::add_first_hop(const Napi::CallbackInfo &info)
{
	auto options = info[0].As<Napi::Object>();
	const auto alias = options.Get("alias").As<Napi::String>().Utf8Value();
	const char *operation = "opening /dev/net/tun";
	FirstHop hop;
	LibbpfLog log;
	int err = Netns::run_in(options.Get("netns"), [&] {
		int failed = hop.device.open();
		if (failed)
			return failed;
		operation = "creating a TUN device";
		failed = hop.device.create(alias);
		if (failed)
			return failed;
		operation = "attaching to a TUN device";
		return attach_tc(skeleton_->progs.xspan_ethernet, hop.device.ifindex(), XS_DIR_TX,
				 &hop.program);
	});
	check(info.Env(), err, operation, log.text());
	const int ifindex = hop.device.ifindex();
	first_hops_[options.Get("inode").As<Napi::Number>().Int64Value()] = std::move(hop);
	return Napi::Number::New(info.Env(), ifindex);
}

// removeFirstHop(inode)
Napi::Value MirrorPort::remove_first_hop(const Napi::CallbackInfo &info)
{
	first_hops_.erase(info[0].As<Napi::Number>().Int64Value());
	return info.Env().Undefined();
}

// Float64Array, a column per __u64 of struct xs_port_counters, CPUs added up.
Napi::Value MirrorPort::counters(const Napi::CallbackInfo &info)
{
	const size_t words = sizeof(xs_port_counters) / sizeof(uint64_t);
	auto sums = Napi::Float64Array::New(info.Env(), words);
	const int fd = bpf_map__fd(skeleton_->maps.port_counters);
	check(info.Env(), sum_over_cpus(fd, 0, words, sums.Data()),
	      "reading the mirror port's counters");
	return sums;
}

// setState({downIfindex, routeMtu, source}): what the programs cannot see; measures the clock, too.
Napi::Value MirrorPort::set_state(const Napi::CallbackInfo &info)
{
	auto options = info[0].As<Napi::Object>();
	auto source = options.Get("source").As<Napi::Uint8Array>();
	if (source.ByteLength() <= sizeof(state_->source))
		memcpy(state_->source, source.Data(), source.ByteLength());
	state_->down_ifindex = options.Get("downIfindex").As<Napi::Number>().Uint32Value();
	state_->route_mtu = options.Get("routeMtu").As<Napi::Number>().Uint32Value();
	wall_clock_.measure();
	state_->wall_offset_ns = wall_clock_.wall_ns(0);
	return info.Env().Undefined();
}

Napi::Value MirrorPort::sequence(const Napi::CallbackInfo &info)
{
	return Napi::Number::New(info.Env(), static_cast<double>(state_->sequence));
}

// For BPF_PROG_TEST_RUN.
Napi::Value MirrorPort::fd(const Napi::CallbackInfo &info)
{
	return Napi::Number::New(info.Env(), bpf_program__fd(skeleton_->progs.xspan_port));
}

Napi::Value MirrorPort::close(const Napi::CallbackInfo &info)
{
	LibbpfLog log;
	unload();
	return info.Env().Undefined();
}

Napi::Function MirrorPort::define(Napi::Env env)
{
	return DefineClass(env, "MirrorPort",
			   {
				   InstanceMethod<&MirrorPort::attach>("attach"),
				   InstanceMethod<&MirrorPort::relay>("relay"),
				   InstanceMethod<&MirrorPort::add_first_hop>("addFirstHop"),
				   InstanceMethod<&MirrorPort::remove_first_hop>("removeFirstHop"),
				   InstanceMethod<&MirrorPort::counters>("counters"),
				   InstanceMethod<&MirrorPort::set_state>("setState"),
				   InstanceMethod<&MirrorPort::sequence>("sequence"),
				   InstanceMethod<&MirrorPort::fd>("fd"),
				   InstanceMethod<&MirrorPort::close>("close"),
			   });
}
