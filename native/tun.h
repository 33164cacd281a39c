// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)
// A TUN device of our own: it has no Ethernet header, and goes with its descriptor, however the
// process ends. It stays down: nothing is ever sent or received by it.
#pragma once

#include <string>

#include "fd.h"

class TunDevice
{
public:
	// In the network namespace of this thread, which the descriptor keeps alive. Negative
	// errno.
	int open();
	// Makes the device: xspan0-raw, or the next free number.
	int create(const std::string &alias);
	int ifindex() const { return ifindex_; }

private:
	Fd fd_;
	int ifindex_ = 0;
};
