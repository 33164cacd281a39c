// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)
#pragma once

#include <functional>

// Does work in the network namespace of a descriptor, on a thread that ends with it: the caller's
// thread never leaves its own. Returns what work returns, or a negative errno.
int in_netns(int netns, const std::function<int()> &work);
