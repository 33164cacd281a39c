// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)
// JavaScript: new RoutingChanges(). Tells, when asked, whether routes, rules, next hops, addresses
// or interfaces of this namespace have changed since it was last asked. (IPv4 routes that go with
// their interface or address are not announced themselves.)
#pragma once

#include <napi.h>

#include "netlink.h"

class RoutingChanges : public Napi::ObjectWrap<RoutingChanges>
{
public:
	static Napi::Function define(Napi::Env env);
	explicit RoutingChanges(const Napi::CallbackInfo &info);

private:
	// happened() -> boolean
	Napi::Value happened(const Napi::CallbackInfo &info);

	Netlink netlink_;
};
