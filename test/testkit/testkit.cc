// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)
// What tests and benchmarks need of the kernel and the product does not: running a program on a
// frame, a traffic source, programs of "somebody else" at a hook.
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/if_link.h>
#include <napi.h>
#include <net/if.h>
#include <sched.h>

#include <cerrno>
#include <string>
#include <vector>

#include "error.h"
#include "fd.h"
#include "oracle.h"
#include "traffic.skel.h"
#include "wall_clock.h"

namespace
{

constexpr size_t longest_frame = 65536;

// The program that puts a tag into metadata and goes on with another one. Lives as long as the
// process.
int tagger(Napi::Env env, int next)
{
	static struct traffic *skeleton = traffic__open_and_load();
	const int zero = 0;
	check(env, skeleton ? 0 : -errno, "loading the tagger");
	int err = bpf_map_update_elem(bpf_map__fd(skeleton->maps.next), &zero, &next, BPF_ANY);
	check(env, err ? -errno : 0, "setting the next program");
	return bpf_program__fd(skeleton->progs.with_tag);
}

// Keeps the thread on the CPU it is on. What it sends through a veth is received there, between its
// batches; on another CPU it would run ahead of the receiver, whose ring then overflows.
class Pinned
{
public:
	Pinned()
	{
		sched_getaffinity(0, sizeof(before_), &before_);
		cpu_set_t here;
		CPU_ZERO(&here);
		CPU_SET(sched_getcpu(), &here);
		sched_setaffinity(0, sizeof(here), &here);
	}
	~Pinned() { sched_setaffinity(0, sizeof(before_), &before_); }
	Pinned(const Pinned &) = delete;
	Pinned &operator=(const Pinned &) = delete;

private:
	cpu_set_t before_;
};

// testRun(progFd, frame, {repeat?, tag?: [protocol, tci], gso?: [size, segments], ingress?}) ->
// {verdict, data, meta, nsPerRun}
// tag: the program must be a tc program; it sees the frame with that tag in metadata. gso: a tc
// program sees a super-frame. ingress: an XDP program, which an XDP program is attached to, too,
// sees the frame arrive at that ifindex of this namespace; the metadata that it leaves is in meta.
Napi::Value test_run(const Napi::CallbackInfo &info)
{
	auto env = info.Env();
	int program = info[0].As<Napi::Number>().Int32Value();
	auto frame = info[1].As<Napi::Uint8Array>();
	auto options = info[2].IsObject() ? info[2].As<Napi::Object>() : Napi::Object::New(env);
	std::vector<uint8_t> out(longest_frame + frame.ByteLength());
	__sk_buff context = {};
	xdp_md arrival = {}, left = {};
	LIBBPF_OPTS(bpf_test_run_opts, opts);
	opts.data_in = frame.Data();
	opts.data_size_in = static_cast<__u32>(frame.ByteLength());
	opts.data_out = out.data();
	opts.data_size_out = static_cast<__u32>(out.size());
	opts.repeat = options.Has("repeat") ? options.Get("repeat").As<Napi::Number>() : 1;
	if (options.Has("tag")) {
		auto tag = options.Get("tag").As<Napi::Array>();
		context.cb[0] = tag.Get(0U).As<Napi::Number>();
		context.cb[1] = tag.Get(1U).As<Napi::Number>();
		program = tagger(env, program);
	}
	if (options.Has("gso")) {
		auto gso = options.Get("gso").As<Napi::Array>();
		context.gso_size = gso.Get(0U).As<Napi::Number>();
		context.gso_segs = gso.Get(1U).As<Napi::Number>();
	}
	if (options.Has("tag") || options.Has("gso")) {
		opts.ctx_in = &context;
		opts.ctx_size_in = sizeof(context);
	}
	if (options.Has("ingress")) {
		arrival.data_end = opts.data_size_in;
		arrival.ingress_ifindex = options.Get("ingress").As<Napi::Number>();
		opts.ctx_in = &arrival;
		opts.ctx_out = &left;
		opts.ctx_size_in = opts.ctx_size_out = sizeof(arrival);
	}
	Pinned pinned; // what is counted per CPU is counted in one place
	int err = bpf_prog_test_run_opts(program, &opts);
	check(env, err ? -errno : 0, "running the program");
	auto result = Napi::Object::New(env);
	result.Set("verdict", Napi::Number::New(env, static_cast<int32_t>(opts.retval)));
	result.Set("data", Napi::Buffer<uint8_t>::Copy(env, out.data(), opts.data_size_out));
	result.Set("meta", Napi::Number::New(env, left.data));
	result.Set("nsPerRun", Napi::Number::New(env, opts.duration));
	return result;
}

// send({ifindex, frame, count, numberAt?}): sends the frame count times; blocks until done
Napi::Value send(const Napi::CallbackInfo &info)
{
	auto env = info.Env();
	auto options = info[0].As<Napi::Object>();
	auto frame = options.Get("frame").As<Napi::Uint8Array>();
	LibbpfLog log;
	struct traffic *source = traffic__open();
	check(env, source ? 0 : -errno, "opening the traffic source");
	source->rodata->out_ifindex = options.Get("ifindex").As<Napi::Number>().Uint32Value();
	if (options.Has("numberAt")) {
		source->rodata->numbered = 1;
		source->rodata->number_at =
			options.Get("numberAt").As<Napi::Number>().Uint32Value();
	}
	int err = traffic__load(source);
	if (!err) {
		xdp_md context = {};
		LIBBPF_OPTS(bpf_test_run_opts, opts);
		context.data_end = static_cast<__u32>(frame.ByteLength());
		opts.data_in = frame.Data();
		opts.data_size_in = context.data_end;
		opts.ctx_in = &context;
		opts.ctx_size_in = sizeof(context);
		opts.repeat = options.Get("count").As<Napi::Number>().Int32Value();
		opts.flags = BPF_F_TEST_XDP_LIVE_FRAMES;
		opts.batch_size = 64;
		Pinned pinned;
		if (bpf_prog_test_run_opts(bpf_program__fd(source->progs.traffic), &opts))
			err = -errno;
	}
	traffic__destroy(source);
	check(env, err, "sending frames", log.text());
	return env.Undefined();
}

// A program that only lets frames go on, attached until the process ends.
class Bystander : public Napi::ObjectWrap<Bystander>
{
public:
	static Napi::Function define(Napi::Env env)
	{
		return DefineClass(env, "Bystander",
				   {InstanceMethod<&Bystander::close>("close"),
				    InstanceMethod<&Bystander::fd>("fd")});
	}
	// new Bystander({hook: "xdp" | "rx" | "tx", ifindex}): tcx unless xdp; ifindex 0: only
	// loads
	explicit Bystander(const Napi::CallbackInfo &info) : Napi::ObjectWrap<Bystander>(info)
	{
		auto options = info[0].As<Napi::Object>();
		auto hook = options.Get("hook").As<Napi::String>().Utf8Value();
		const int ifindex = options.Get("ifindex").As<Napi::Number>().Int32Value();
		LibbpfLog log;
		skeleton_ = traffic__open_and_load();
		check(info.Env(), skeleton_ ? 0 : -errno, "loading a bystander", log.text());
		auto *program =
			hook == "xdp" ? skeleton_->progs.pass_xdp : skeleton_->progs.pass_tc;
		fd_ = bpf_program__fd(program);
		const int type = hook == "xdp" ? BPF_XDP : hook == "rx" ? 46 : 47;
		if (!ifindex)
			return;
		link_ = Fd(
			bpf_link_create(fd_, ifindex, static_cast<bpf_attach_type>(type), nullptr));
		check(info.Env(), link_.valid() ? 0 : -errno, "attaching a bystander");
	}
	~Bystander() override { release(); }

private:
	void release()
	{
		link_.reset();
		if (skeleton_)
			traffic__destroy(skeleton_);
		skeleton_ = nullptr;
	}
	Napi::Value fd(const Napi::CallbackInfo &info)
	{
		return Napi::Number::New(info.Env(), fd_);
	}
	Napi::Value close(const Napi::CallbackInfo &info)
	{
		release();
		return info.Env().Undefined();
	}
	struct traffic *skeleton_ = nullptr;
	int fd_ = -1;
	Fd link_;
};

// wallTimes([[before, wall, after, stamp], ...]) -> wall-clock time of each stamp, in order; all in
// ns
Napi::Value wall_times(const Napi::CallbackInfo &info)
{
	auto rows = info[0].As<Napi::Array>();
	auto times = Napi::Array::New(info.Env());
	WallClock clock;
	for (uint32_t i = 0; i < rows.Length(); i++) {
		auto row = rows.Get(i).As<Napi::Array>();
		uint64_t value[4];
		for (uint32_t j = 0; j < 4; j++)
			value[j] = row.Get(j).As<Napi::Number>().Int64Value();
		clock.update(value[0], value[1], value[2]);
		times.Set(i, Napi::Number::New(info.Env(),
					       static_cast<double>(clock.wall_ns(value[3]))));
	}
	return times;
}

Napi::Value ifindex(const Napi::CallbackInfo &info)
{
	auto name = info[0].As<Napi::String>().Utf8Value();
	return Napi::Number::New(info.Env(), if_nametoindex(name.c_str()));
}

Napi::Object init(Napi::Env env, Napi::Object exports)
{
	LibbpfLog::install();
	exports.Set("testRun", Napi::Function::New(env, test_run));
	exports.Set("pcapMatches", Napi::Function::New(env, pcap_matches));
	exports.Set("send", Napi::Function::New(env, send));
	exports.Set("wallTimes", Napi::Function::New(env, wall_times));
	exports.Set("ifindex", Napi::Function::New(env, ifindex));
	exports.Set("Bystander", Bystander::define(env));
	return exports;
}

} // namespace

NODE_API_MODULE(testkit, init)
