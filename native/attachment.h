// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)
// A program at a hook of an interface, for as long as the object lives.
#pragma once

#include <cstdint>
#include <memory>

#include "fd.h"

enum class Hook { tcx, clsact, xdp, xdp_generic };

class Attachment
{
public:
	virtual ~Attachment() = default;
	// Puts another program in the place of the attached one; no frame passes in between.
	virtual int replace(int prog_fd) = 0;
	// Of a clsact filter; 0 for the other hooks.
	virtual uint32_t handle() const { return 0; }
	virtual uint32_t priority() const { return 0; }
};

// 0 and *out, or a negative errno: EINVAL where the kernel does not know the hook, EBUSY or EEXIST
// where an XDP program is there already, EOPNOTSUPP where the driver has no native XDP.
// direction is an enum xs_direction; priority is that of a clsact filter, 0: the kernel chooses.
int attach(int prog_fd, Hook hook, int ifindex, uint32_t direction, uint32_t priority,
	   std::unique_ptr<Attachment> *out);

// Removes one classifier of a clsact qdisc; attach_point is BPF_TC_INGRESS or BPF_TC_EGRESS.
int detach_clsact(int ifindex, int attach_point, uint32_t handle, uint32_t priority);
