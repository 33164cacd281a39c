// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)
// What the kernel says about interfaces. JavaScript: links(), ethtool(name),
// new LinkMonitor(onChange).
#pragma once

#include <napi.h>

#include <thread>

#include "cleanup_hook.h"
#include "fd.h"
#include "netlink.h"
#include "notifier.h"

Napi::Value links(const Napi::CallbackInfo &info);
Napi::Value ethtool(const Napi::CallbackInfo &info);

// Calls onChange after any interface of this namespace was added, removed or changed.
class LinkMonitor : public Napi::ObjectWrap<LinkMonitor>
{
public:
	static Napi::Function define(Napi::Env env);
	explicit LinkMonitor(const Napi::CallbackInfo &info);
	~LinkMonitor() override;

private:
	friend class CleanupHook<LinkMonitor>;
	Napi::Value close(const Napi::CallbackInfo &info);
	void run();
	void stop();

	Notifier notifier_;
	Netlink netlink_;
	Fd wake_;
	std::thread thread_;
	CleanupHook<LinkMonitor> hook_;
};
