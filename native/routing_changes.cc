// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)
#include "routing_changes.h"

#include <linux/rtnetlink.h>

#include "error.h"

namespace
{

constexpr unsigned group(rtnetlink_groups number)
{
	return 1U << (number - 1);
}

constexpr unsigned groups = group(RTNLGRP_LINK) | group(RTNLGRP_IPV4_IFADDR) |
			    group(RTNLGRP_IPV6_IFADDR) | group(RTNLGRP_IPV4_ROUTE) |
			    group(RTNLGRP_IPV6_ROUTE) | group(RTNLGRP_IPV4_RULE) |
			    group(RTNLGRP_IPV6_RULE) | group(RTNLGRP_NEXTHOP);

} // namespace

Napi::Function RoutingChanges::define(Napi::Env env)
{
	return DefineClass(env, "RoutingChanges",
			   {InstanceMethod<&RoutingChanges::happened>("happened")});
}

RoutingChanges::RoutingChanges(const Napi::CallbackInfo &info) : ObjectWrap(info)
{
	check(info.Env(), netlink_.open(groups), "listening for changes of routes");
}

Napi::Value RoutingChanges::happened(const Napi::CallbackInfo &info)
{
	bool changed = false;
	while (!netlink_.skip())
		changed = true;
	return Napi::Boolean::New(info.Env(), changed);
}
