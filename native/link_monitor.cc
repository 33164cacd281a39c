// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)
#include <linux/rtnetlink.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>

#include <cerrno>

#include "error.h"
#include "links.h"

LinkMonitor::LinkMonitor(const Napi::CallbackInfo &info)
    : Napi::ObjectWrap<LinkMonitor>(info), hook_(info.Env(), this)
{
	auto env = info.Env();
	check(env, netlink_.open(RTMGRP_LINK), "listening to interface changes");
	wake_ = Fd(eventfd(0, EFD_CLOEXEC));
	check(env, wake_.valid() ? 0 : -errno, "creating an eventfd");
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

void LinkMonitor::run()
{
	pollfd fds[] = {{netlink_.fd(), POLLIN, 0}, {wake_.get(), POLLIN, 0}};
	for (;;) {
		if (poll(fds, 2, -1) < 0 && errno != EINTR)
			return;
		if (fds[1].revents)
			return;
		if (fds[0].revents && !netlink_.skip())
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
	notifier_.close();
	hook_.disarm();
}

Napi::Value LinkMonitor::close(const Napi::CallbackInfo &info)
{
	stop();
	return info.Env().Undefined();
}

Napi::Function LinkMonitor::define(Napi::Env env)
{
	return DefineClass(env, "LinkMonitor", {InstanceMethod<&LinkMonitor::close>("close")});
}
