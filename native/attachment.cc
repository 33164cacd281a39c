// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)
#include "attachment.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/if_link.h>

#include <cerrno>

#include "abi.h"

int detach_clsact(int ifindex, int attach_point, uint32_t handle, uint32_t priority)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = ifindex,
		    .attach_point = static_cast<enum bpf_tc_attach_point>(attach_point));
	LIBBPF_OPTS(bpf_tc_opts, filter, .handle = handle, .priority = priority);
	return bpf_tc_detach(&hook, &filter);
}

namespace
{

// Linux 6.6; not in Debian 12's headers
constexpr int attach_type_tcx_ingress = 46;
constexpr int attach_type_tcx_egress = 47;
constexpr uint32_t flag_before = 1U << 3; // BPF_F_BEFORE

// Dies with its descriptor, so nothing stays behind when the process does.
class LinkAttachment : public Attachment
{
public:
	explicit LinkAttachment(Fd link) : link_(std::move(link)) {}
	int replace(int prog_fd) override
	{
		return bpf_link_update(link_.get(), prog_fd, nullptr) ? -errno : 0;
	}

private:
	Fd link_;
};

int attach_link(int prog_fd, int ifindex, int type, uint32_t flags,
		std::unique_ptr<Attachment> *out)
{
	LIBBPF_OPTS(bpf_link_create_opts, opts, .flags = flags);
	Fd link(bpf_link_create(prog_fd, ifindex, static_cast<enum bpf_attach_type>(type), &opts));
	if (!link.valid())
		return -errno;
	*out = std::make_unique<LinkAttachment>(std::move(link));
	return 0;
}

// In front of the others: a program that ends the chain (TC_ACT_OK, a redirect) hides nothing.
int attach_tcx(int prog_fd, int ifindex, uint32_t direction, std::unique_ptr<Attachment> *out)
{
	return attach_link(prog_fd, ifindex,
			   direction == XS_DIR_TX ? attach_type_tcx_egress
						  : attach_type_tcx_ingress,
			   flag_before, out);
}

// A classifier outlives the process: the caller writes down where it is, for `xspan clean`.
class ClsactAttachment : public Attachment
{
public:
	ClsactAttachment(int ifindex, uint32_t direction)
	{
		hook_.ifindex = ifindex;
		hook_.attach_point = direction == XS_DIR_TX ? BPF_TC_EGRESS : BPF_TC_INGRESS;
	}
	~ClsactAttachment() override
	{
		if (filter_.priority)
			detach_clsact(hook_.ifindex, hook_.attach_point, filter_.handle,
				      filter_.priority);
	}
	int attach(int prog_fd, uint32_t priority)
	{
		filter_.prog_fd = prog_fd;
		filter_.priority = priority;
		const int err = bpf_tc_attach(&hook_, &filter_);
		if (err)
			filter_.priority = 0; // nothing to detach
		return err;
	}
	int replace(int prog_fd) override
	{
		LIBBPF_OPTS(bpf_tc_opts, other, .prog_fd = prog_fd, .flags = BPF_TC_F_REPLACE,
			    .handle = filter_.handle, .priority = filter_.priority);
		return bpf_tc_attach(&hook_, &other);
	}
	uint32_t handle() const override { return filter_.handle; }
	uint32_t priority() const override { return filter_.priority; }

private:
	struct bpf_tc_hook hook_ = {.sz = sizeof(hook_)};
	struct bpf_tc_opts filter_ = {.sz = sizeof(filter_)};
};

} // namespace

int attach(int prog_fd, Hook hook, int ifindex, uint32_t direction, uint32_t priority,
	   std::unique_ptr<Attachment> *out)
{
	switch (hook) {
	case Hook::tcx:
		return attach_tcx(prog_fd, ifindex, direction, out);
	case Hook::xdp:
		return attach_link(prog_fd, ifindex, BPF_XDP, XDP_FLAGS_DRV_MODE, out);
	case Hook::xdp_generic:
		return attach_link(prog_fd, ifindex, BPF_XDP, XDP_FLAGS_SKB_MODE, out);
	case Hook::clsact:
		break;
	}
	auto clsact = std::make_unique<ClsactAttachment>(ifindex, direction);
	int err = clsact->attach(prog_fd, priority);
	if (!err)
		*out = std::move(clsact);
	return err;
}
