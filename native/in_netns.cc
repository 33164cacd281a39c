// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)
#include "in_netns.h"

#include <sched.h>

#include <cerrno>
#include <thread>

int in_netns(int netns, const std::function<int()> &work)
{
	int result = 0;
	std::thread([&] { result = setns(netns, CLONE_NEWNET) ? -errno : work(); }).join();
	return result;
}
