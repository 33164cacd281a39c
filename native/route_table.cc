// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)
#include "route_table.h"

#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <cerrno>
#include <vector>

#include "error.h"

namespace
{

// IPv4 says nothing of the routes that go with a link or an address.
constexpr unsigned groups = RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE | RTMGRP_IPV4_RULE |
			    1U << (RTNLGRP_IPV6_RULE - 1) | 1U << (RTNLGRP_NEXTHOP - 1) |
			    RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR;

void add_next_hops(std::vector<uint32_t> &ifindexes, const nlattr *attribute)
{
	const auto *hop = static_cast<const rtnexthop *>(mnl_attr_get_payload(attribute));
	auto left = static_cast<int>(mnl_attr_get_payload_len(attribute));
	for (; RTNH_OK(hop, left); left -= RTNH_ALIGN(hop->rtnh_len), hop = RTNH_NEXT(hop))
		ifindexes.push_back(static_cast<uint32_t>(hop->rtnh_ifindex));
}

void read_entry(std::vector<uint32_t> &numbers, const nlmsghdr *message)
{
	const auto *route = static_cast<const rtmsg *>(mnl_nlmsg_get_payload(message));
	numbers = {route->rtm_dst_len};
	for_each_attribute(message, sizeof(*route), [&](const nlattr *attribute) {
		if (mnl_attr_get_type(attribute) == RTA_OIF)
			numbers.push_back(mnl_attr_get_u32(attribute));
		if (mnl_attr_get_type(attribute) == RTA_MULTIPATH)
			add_next_hops(numbers, attribute);
	});
}

bool is_no_route(int err)
{
	return err == -ENETUNREACH || err == -EHOSTUNREACH || err == -EACCES || err == -EINVAL;
}

} // namespace

RouteTable::RouteTable(const Napi::CallbackInfo &info) : Napi::ObjectWrap<RouteTable>(info)
{
	check(info.Env(), questions_->open(), "opening a netlink socket");
	check(info.Env(), changes_->open(groups), "listening to route changes");
}

Napi::Value RouteTable::entry(const Napi::CallbackInfo &info)
{
	auto env = info.Env();
	check(env, questions_ ? 0 : -EBADF, "asking a closed route table");
	auto address = info[0].As<Napi::Uint8Array>();
	NetlinkRequest<rtmsg> request(RTM_GETROUTE);
	request.header->rtm_family = address.ByteLength() == 4 ? AF_INET : AF_INET6;
	request.header->rtm_dst_len = static_cast<uint8_t>(address.ByteLength() * 8);
	request.header->rtm_flags = RTM_F_FIB_MATCH;
	mnl_attr_put(request.message, RTA_DST, address.ByteLength(), address.Data());
	std::vector<uint32_t> numbers;
	int err = questions_->call(request.message,
				   [&](const nlmsghdr *message) { read_entry(numbers, message); });
	if (is_no_route(err) || (!err && numbers.empty()))
		return env.Null();
	check(env, err, "asking for the route");
	auto list = Napi::Array::New(env);
	for (auto number : numbers)
		list.Set(list.Length(), Napi::Number::New(env, number));
	return list;
}

Napi::Value RouteTable::changed(const Napi::CallbackInfo &info)
{
	check(info.Env(), changes_ ? 0 : -EBADF, "asking a closed route table");
	bool any = false;
	while (changes_->skip() == 0)
		any = true;
	return Napi::Boolean::New(info.Env(), any);
}

Napi::Value RouteTable::close(const Napi::CallbackInfo &info)
{
	questions_.reset();
	changes_.reset();
	return info.Env().Undefined();
}

Napi::Function RouteTable::define(Napi::Env env)
{
	return DefineClass(env, "RouteTable",
			   {InstanceMethod<&RouteTable::entry>("entry"),
			    InstanceMethod<&RouteTable::changed>("changed"),
			    InstanceMethod<&RouteTable::close>("close")});
}
