// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)
// The routes of this thread's network namespace, as entries of its tables. JavaScript:
// new RouteTable(). It keeps two sockets: close it.
#pragma once

#include <napi.h>

#include <memory>

#include "netlink.h"

class RouteTable : public Napi::ObjectWrap<RouteTable>
{
public:
	static Napi::Function define(Napi::Env env);
	explicit RouteTable(const Napi::CallbackInfo &info);

private:
	// entry(address: Uint8Array of 4 or 16) -> [prefix length, ifindex of each next hop ...] of
	// the route that it takes; null: it takes none
	Napi::Value entry(const Napi::CallbackInfo &info);
	// changed() -> whether routes, rules, addresses or links did since the last call
	Napi::Value changed(const Napi::CallbackInfo &info);
	Napi::Value close(const Napi::CallbackInfo &info);

	std::unique_ptr<Netlink> questions_ = std::make_unique<Netlink>();
	std::unique_ptr<Netlink> changes_ = std::make_unique<Netlink>();
};
