// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)
#include "link_monitor.h"

#include <linux/rtnetlink.h>
#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

#include <cerrno>

#include "error.h"
#include "netns.h"

namespace
{
constexpr uint64_t wake_tag = 0; // no namespace has this inode
}

LinkMonitor::LinkMonitor(const Napi::CallbackInfo &info)
    : Napi::ObjectWrap<LinkMonitor>(info), hook_(info.Env(), this)
{
	auto env = info.Env();
	uint64_t inode = 0;
	check(env, own_netns_inode(&inode), "reading the network namespace");
	epoll_ = Fd(epoll_create1(EPOLL_CLOEXEC));
	check(env, epoll_.valid() ? 0 : -errno, "creating an epoll descriptor");
	wake_ = Fd(eventfd(0, EFD_CLOEXEC));
	check(env, wake_.valid() ? watch(wake_.get(), wake_tag) : -errno, "creating an eventfd");
	auto &own = sockets_[inode];
	check(env, own.open(RTMGRP_LINK), "listening to interface changes");
	check(env, watch(own.fd(), inode), "listening to interface changes");
	if (notifier_.open(env, info[0], false) != napi_ok)
		check(env, -ENOMEM, "creating a thread-safe function");
	sigset_t all, before;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	thread_ = std::thread(&LinkMonitor::run, this);
	pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

LinkMonitor::~LinkMonitor()
{
	stop();
}

int LinkMonitor::watch(int fd, uint64_t tag)
{
	epoll_event event = {.events = EPOLLIN, .data = {.u64 = tag}};
	return epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) ? -errno : 0;
}

// Whether there was something. Nothing is there when the namespace was just forgotten.
bool LinkMonitor::drain(uint64_t inode)
{
	const std::lock_guard lock(mutex_);
	auto found = sockets_.find(inode);
	if (found == sockets_.end() || found->second.skip())
		return false;
	changed_.insert(inode);
	return true;
}

void LinkMonitor::run()
{
	for (;;) {
		epoll_event event = {};
		const int ready = epoll_wait(epoll_.get(), &event, 1, -1);
		if (ready < 0 && errno != EINTR)
			return;
		if (ready <= 0)
			continue;
		if (event.data.u64 == wake_tag)
			return;
		if (drain(event.data.u64))
			notifier_.notify();
	}
}

void LinkMonitor::stop()
{
	const uint64_t one = 1;
	if (thread_.joinable()) {
		(void)!write(wake_.get(), &one, sizeof(one));
		thread_.join();
	}
	// Not only when this object is collected: until then descriptors would pile up.
	sockets_.clear();
	wake_.reset();
	epoll_.reset();
	notifier_.close();
	hook_.disarm();
}

Napi::Value LinkMonitor::listen(const Napi::CallbackInfo &info)
{
	const auto *netns = Netns::Unwrap(info[0].As<Napi::Object>());
	const std::lock_guard lock(mutex_);
	auto [entry, is_new] = sockets_.try_emplace(netns->inode());
	if (!is_new)
		return info.Env().Undefined();
	int err = netns->open(entry->second, RTMGRP_LINK, NETLINK_ROUTE);
	if (!err)
		err = watch(entry->second.fd(), netns->inode());
	if (err)
		sockets_.erase(entry);
	check(info.Env(), err, "listening to interface changes");
	return info.Env().Undefined();
}

Napi::Value LinkMonitor::forget(const Napi::CallbackInfo &info)
{
	const auto inode = static_cast<uint64_t>(info[0].As<Napi::Number>().Int64Value());
	const std::lock_guard lock(mutex_);
	sockets_.erase(inode); // closing it ends the interest of epoll
	changed_.erase(inode);
	return info.Env().Undefined();
}

Napi::Value LinkMonitor::changed(const Napi::CallbackInfo &info)
{
	auto list = Napi::Array::New(info.Env());
	const std::lock_guard lock(mutex_);
	for (auto inode : changed_)
		list.Set(list.Length(), Napi::Number::New(info.Env(), static_cast<double>(inode)));
	changed_.clear();
	return list;
}

Napi::Value LinkMonitor::close(const Napi::CallbackInfo &info)
{
	stop();
	return info.Env().Undefined();
}

Napi::Function LinkMonitor::define(Napi::Env env)
{
	return DefineClass(env, "LinkMonitor",
			   {InstanceMethod<&LinkMonitor::listen>("listen"),
			    InstanceMethod<&LinkMonitor::forget>("forget"),
			    InstanceMethod<&LinkMonitor::changed>("changed"),
			    InstanceMethod<&LinkMonitor::close>("close")});
}
