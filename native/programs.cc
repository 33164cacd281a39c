// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)
#include "programs.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <linux/rtnetlink.h>
#include <sys/syscall.h>

#include <arpa/inet.h>
#include <cerrno>
#include <cstring>
#include <string>

#include "abi.h"
#include "attachment.h"
#include "error.h"
#include "netlink.h"

namespace
{

int ifindex_of(const Napi::CallbackInfo &info)
{
	return info[0].As<Napi::Number>().Int32Value();
}

bool is_egress(const Napi::CallbackInfo &info)
{
	return info[1].As<Napi::Number>().Uint32Value() == XS_DIR_TX;
}

int visit_filters(int ifindex, bool egress, const std::function<void(const nlmsghdr *)> &visit)
{
	Netlink netlink;
	NetlinkRequest<tcmsg> request(RTM_GETTFILTER);
	request.header->tcm_ifindex = ifindex;
	request.header->tcm_parent =
		TC_H_MAKE(TC_H_CLSACT, egress ? TC_H_MIN_EGRESS : TC_H_MIN_INGRESS);
	if (int err = netlink.open())
		return err;
	return netlink.dump(request.message, visit);
}

Napi::Object filter_object(Napi::Env env, const nlmsghdr *message)
{
	const auto *header = static_cast<const tcmsg *>(mnl_nlmsg_get_payload(message));
	auto filter = Napi::Object::New(env);
	filter.Set("handle", Napi::Number::New(env, header->tcm_handle));
	filter.Set("priority", Napi::Number::New(env, header->tcm_info >> 16));
	auto read_option = [&](const nlattr *option) {
		if (mnl_attr_get_type(option) == TCA_BPF_NAME)
			filter.Set("name", Napi::String::New(env, mnl_attr_get_str(option)));
		if (mnl_attr_get_type(option) == TCA_BPF_ID)
			filter.Set("programId", Napi::Number::New(env, mnl_attr_get_u32(option)));
	};
	for_each_attribute(message, sizeof(*header), [&](const nlattr *attribute) {
		if (mnl_attr_get_type(attribute) == TCA_KIND)
			filter.Set("kind", Napi::String::New(env, mnl_attr_get_str(attribute)));
		if (mnl_attr_get_type(attribute) == TCA_OPTIONS)
			for_each_nested(attribute, read_option);
	});
	return filter;
}

bool has_filters(int ifindex, bool egress)
{
	bool found = false;
	int err = visit_filters(ifindex, egress, [&](const nlmsghdr *) { found = true; });
	return found || err; // when in doubt it is somebody's
}

} // namespace

Napi::Value program(const Napi::CallbackInfo &info)
{
	auto env = info.Env();
	bpf_prog_info details = {};
	__u32 length = sizeof(details);
	Fd fd(bpf_prog_get_fd_by_id(info[0].As<Napi::Number>().Uint32Value()));
	if (!fd.valid() || bpf_obj_get_info_by_fd(fd.get(), &details, &length))
		return env.Null();
	auto result = Napi::Object::New(env);
	result.Set("id", Napi::Number::New(env, details.id));
	result.Set("name", Napi::String::New(env, details.name));
	return result;
}

int tcx_program_ids(int ifindex, bool egress, std::vector<uint32_t> *ids)
{
	// union bpf_attr.query of Linux 6.6, which libbpf 1.1's bpf_prog_query does not reach
	struct {
		__u32 target_ifindex, attach_type, query_flags, attach_flags;
		__u64 prog_ids;
		__u32 count, pad;
		__u64 prog_attach_flags, link_ids, link_attach_flags, revision;
	} query = {};
	__u32 found[64] = {};
	query.target_ifindex = static_cast<__u32>(ifindex);
	query.attach_type = egress ? 47 : 46;
	query.prog_ids = reinterpret_cast<__u64>(found);
	query.count = sizeof(found) / sizeof(found[0]);
	if (syscall(SYS_bpf, BPF_PROG_QUERY, &query, sizeof(query)) && errno != ENOENT)
		return -errno;
	for (__u32 i = 0; i < query.count && found[i]; i++)
		ids->push_back(found[i]);
	return 0;
}

Napi::Value tcx_programs(const Napi::CallbackInfo &info)
{
	auto env = info.Env();
	std::vector<uint32_t> ids;
	if (tcx_program_ids(ifindex_of(info), is_egress(info), &ids))
		return env.Null();
	auto list = Napi::Array::New(env);
	for (uint32_t i = 0; i < ids.size(); i++)
		list.Set(i, Napi::Number::New(env, ids[i]));
	return list;
}

Napi::Value clsact_filters(const Napi::CallbackInfo &info)
{
	auto list = Napi::Array::New(info.Env());
	int err = visit_filters(ifindex_of(info), is_egress(info), [&](const nlmsghdr *message) {
		auto filter = filter_object(info.Env(), message);
		if (filter.Get("handle").As<Napi::Number>().Uint32Value())
			list.Set(list.Length(), filter);
	});
	// EINVAL: no such qdisc, so no filters
	check(info.Env(), err == -EINVAL ? 0 : err, "listing tc filters");
	return list;
}

// "clsact", "ingress" or something else: what holds the place of both.
static std::string kind_of_ingress(int ifindex)
{
	Netlink netlink;
	std::string kind;
	NetlinkRequest<tcmsg> request(RTM_GETQDISC);
	if (netlink.open())
		return kind;
	netlink.dump(request.message, [&](const nlmsghdr *message) {
		const auto *header = static_cast<const tcmsg *>(mnl_nlmsg_get_payload(message));
		if (header->tcm_ifindex != ifindex || header->tcm_parent != TC_H_INGRESS)
			return;
		for_each_attribute(message, sizeof(*header), [&](const nlattr *attribute) {
			if (mnl_attr_get_type(attribute) == TCA_KIND)
				kind = mnl_attr_get_str(attribute);
		});
	});
	return kind;
}

Napi::Value clsact_create(const Napi::CallbackInfo &info)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = ifindex_of(info), .attach_point = BPF_TC_INGRESS);
	LibbpfLog log;
	int err = bpf_tc_hook_create(&hook);
	check(info.Env(), err == -EEXIST ? 0 : err, "creating the clsact qdisc");
	return Napi::String::New(info.Env(), err ? kind_of_ingress(ifindex_of(info)) : "created");
}

Napi::Value clsact_detach(const Napi::CallbackInfo &info)
{
	LibbpfLog log;
	int err = detach_clsact(ifindex_of(info), is_egress(info) ? BPF_TC_EGRESS : BPF_TC_INGRESS,
				info[2].As<Napi::Number>().Uint32Value(),
				info[3].As<Napi::Number>().Uint32Value());
	check(info.Env(), err, "removing a tc filter");
	return info.Env().Undefined();
}

Napi::Value clsact_destroy_if_empty(const Napi::CallbackInfo &info)
{
	const int ifindex = ifindex_of(info);
	if (has_filters(ifindex, false) || has_filters(ifindex, true))
		return Napi::Boolean::New(info.Env(), false);
	// libbpf deletes the qdisc itself only when both hooks are named
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = ifindex,
		    .attach_point =
			    static_cast<enum bpf_tc_attach_point>(BPF_TC_INGRESS | BPF_TC_EGRESS));
	LibbpfLog log;
	return Napi::Boolean::New(info.Env(), !bpf_tc_hook_destroy(&hook));
}
