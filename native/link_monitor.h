// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)
// JavaScript: new LinkMonitor(onChange). Calls onChange after any interface of this namespace, or
// of one that it was told to listen to, was added, removed or changed.
#pragma once

#include <napi.h>

#include <map>
#include <mutex>
#include <set>
#include <thread>

#include "cleanup_hook.h"
#include "fd.h"
#include "netlink.h"
#include "notifier.h"

class LinkMonitor : public Napi::ObjectWrap<LinkMonitor>
{
public:
	static Napi::Function define(Napi::Env env);
	explicit LinkMonitor(const Napi::CallbackInfo &info);
	~LinkMonitor() override;

private:
	friend class CleanupHook<LinkMonitor>;
	// listen(netns: Netns): there as well. Keeps that namespace alive until forget(inode).
	Napi::Value listen(const Napi::CallbackInfo &info);
	Napi::Value forget(const Napi::CallbackInfo &info);
	// changed() -> inodes of the namespaces with changes since the last call
	Napi::Value changed(const Napi::CallbackInfo &info);
	Napi::Value close(const Napi::CallbackInfo &info);
	int watch(int fd, uint64_t tag);
	bool drain(uint64_t inode);
	void run();
	void stop();

	Notifier notifier_;
	Fd epoll_;
	Fd wake_;
	std::mutex mutex_; // of the two below
	std::map<uint64_t, Netlink> sockets_;
	std::set<uint64_t> changed_;
	std::thread thread_;
	CleanupHook<LinkMonitor> hook_;
};
