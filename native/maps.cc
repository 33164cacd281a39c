// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)
#include "maps.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <sys/mman.h>

#include <algorithm>
#include <cerrno>

#include "error.h"
#include "per_cpu.h"

static_assert(sizeof(xs_counters) % sizeof(uint64_t) == 0, "counters are __u64 words only");
static_assert(sizeof(xs_record) == 40, "the header of a record");

SharedMaps::~SharedMaps()
{
	if (state)
		munmap(state, sysconf(_SC_PAGESIZE));
}

static Fd create_map(enum bpf_map_type type, const char *name, uint32_t key, uint32_t value,
		     uint32_t entries, uint32_t flags = 0, int inner = 0)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = flags);
	opts.inner_map_fd = static_cast<__u32>(inner);
	return Fd(bpf_map_create(type, name, key, value, entries, &opts));
}

int SharedMaps::create(uint32_t tap_count, uint32_t rings, size_t bytes)
{
	const int possible = libbpf_num_possible_cpus();
	if (possible < 0)
		return possible;
	taps = tap_count;
	ring_bytes = bytes;
	state_fd = create_map(BPF_MAP_TYPE_ARRAY, "xspan_state", 4, sizeof(xs_state), 1,
			      BPF_F_MMAPABLE);
	if (!state_fd.valid())
		return -errno;
	void *page = mmap(nullptr, sysconf(_SC_PAGESIZE), PROT_READ | PROT_WRITE, MAP_SHARED,
			  state_fd.get(), 0);
	if (page == MAP_FAILED)
		return -errno;
	state = static_cast<xs_state *>(page);
	counters_fd = create_map(BPF_MAP_TYPE_PERCPU_ARRAY, "xspan_counters", 4,
				 sizeof(xs_counters), taps);
	if (!counters_fd.valid())
		return -errno;
	// A session without rings has one small ring all the same: see wait_for_programs.
	for (uint32_t i = 0; i < std::max(rings, 1U); i++) {
		ring_fds.push_back(create_map(BPF_MAP_TYPE_RINGBUF, "xspan_ring", 0, 0,
					      bytes ? bytes : sysconf(_SC_PAGESIZE)));
		if (!ring_fds.back().valid())
			return -errno;
	}
	rings_fd = create_map(BPF_MAP_TYPE_ARRAY_OF_MAPS, "xspan_rings", 4, 4, possible, 0,
			      ring_fds[0].get());
	if (!rings_fd.valid())
		return -errno;
	// CPU numbers may have holes, and CPUs may come later: every number has a ring, some share.
	for (int cpu = 0; cpu < possible; cpu++) {
		int ring = ring_fds[cpu % ring_fds.size()].get();
		if (bpf_map_update_elem(rings_fd.get(), &cpu, &ring, BPF_ANY))
			return -errno;
	}
	return 0;
}

int SharedMaps::wait_for_programs() const
{
	// The kernel waits for running programs whenever an inner map is replaced
	// (maybe_wait_bpf_programs in kernel/bpf/syscall.c, since 5.0): replace one by itself.
	int cpu = 0, ring = ring_fds[0].get();
	return bpf_map_update_elem(rings_fd.get(), &cpu, &ring, BPF_ANY) ? -errno : 0;
}

Maps::Maps(const Napi::CallbackInfo &info) : Napi::ObjectWrap<Maps>(info)
{
	auto options = info[0].As<Napi::Object>();
	auto taps = options.Get("taps").As<Napi::Number>().Uint32Value();
	auto bytes = options.Get("ringBytes").As<Napi::Number>().Int64Value();
	maps_ = std::make_shared<SharedMaps>();
	LibbpfLog log;
	auto rings = options.Get("rings").As<Napi::Number>().Uint32Value();
	check(info.Env(), maps_->create(taps, rings, static_cast<size_t>(bytes)),
	      "creating BPF maps");
}

SharedMaps &Maps::open(const Napi::CallbackInfo &info) const
{
	if (!maps_)
		check(info.Env(), -EBADF, "using the maps of a closed session");
	return *maps_;
}

// counters(taps?) -> Float64Array, a row per tap, a column per __u64 of struct xs_counters, CPUs
// added up
Napi::Value Maps::counters(const Napi::CallbackInfo &info)
{
	auto &maps = open(info);
	const uint32_t taps =
		info[0].IsNumber() ? std::min(maps.taps, info[0].As<Napi::Number>().Uint32Value())
				   : maps.taps;
	const size_t words = sizeof(xs_counters) / sizeof(uint64_t);
	auto sums = Napi::Float64Array::New(info.Env(), words * taps);

	for (uint32_t tap = 0; tap < taps; tap++)
		check(info.Env(),
		      sum_over_cpus(maps.counters_fd.get(), tap, words, sums.Data() + tap * words),
		      "reading counters");
	return sums;
}

Napi::Value Maps::set_budget(const Napi::CallbackInfo &info)
{
	__atomic_store_n(&open(info).state->budget, info[0].As<Napi::Number>().Int64Value(),
			 __ATOMIC_RELAXED);
	return info.Env().Undefined();
}

Napi::Value Maps::budget(const Napi::CallbackInfo &info)
{
	return Napi::Number::New(info.Env(), static_cast<double>(open(info).state->budget));
}

// The token bucket is full: what was sent under another limit does not count under the next.
Napi::Value Maps::reset_limit(const Napi::CallbackInfo &info)
{
	__atomic_store_n(&open(info).state->limit_full_at, 0, __ATOMIC_RELAXED);
	return info.Env().Undefined();
}

Napi::Value Maps::set_port_down(const Napi::CallbackInfo &info)
{
	open(info).state->port_down = info[0].As<Napi::Boolean>().Value();
	return info.Env().Undefined();
}

// The wait takes a grace period (10-50 ms), so it happens on a worker thread.
class QuiesceWorker : public Napi::AsyncWorker
{
public:
	QuiesceWorker(Napi::Env env, std::shared_ptr<SharedMaps> maps)
	    : Napi::AsyncWorker(env), promise(Napi::Promise::Deferred::New(env)),
	      maps_(std::move(maps))
	{
	}
	void Execute() override { result_ = maps_->wait_for_programs(); }
	void OnOK() override
	{
		try {
			check(Env(), result_, "waiting for running programs");
			promise.Resolve(Env().Undefined());
		} catch (const Napi::Error &error) {
			promise.Reject(error.Value());
		}
	}
	Napi::Promise::Deferred promise;

private:
	std::shared_ptr<SharedMaps> maps_;
	int result_ = 0;
};

// Promise: settles when no program of this session runs any more (its taps must be detached).
Napi::Value Maps::quiesce(const Napi::CallbackInfo &info)
{
	open(info);
	auto *worker = new QuiesceWorker(info.Env(), maps_);
	worker->Queue();
	return worker->promise.Promise();
}

Napi::Value Maps::close(const Napi::CallbackInfo &info)
{
	maps_.reset();
	return info.Env().Undefined();
}

Napi::Function Maps::define(Napi::Env env)
{
	return DefineClass(env, "Maps",
			   {
				   InstanceMethod<&Maps::counters>("counters"),
				   InstanceMethod<&Maps::set_budget>("setBudget"),
				   InstanceMethod<&Maps::budget>("budget"),
				   InstanceMethod<&Maps::reset_limit>("resetLimit"),
				   InstanceMethod<&Maps::set_port_down>("setPortDown"),
				   InstanceMethod<&Maps::quiesce>("quiesce"),
				   InstanceMethod<&Maps::close>("close"),
			   });
}
