// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)
#include "tun.h"

#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sys/ioctl.h>

#include <cerrno>

#include "netlink.h"

// IFALIASZ is 256 bytes.
using LinkRequest = NetlinkRequest<ifinfomsg, 1024>;

static int set_alias(int ifindex, const std::string &alias)
{
	Netlink netlink;
	const int err = netlink.open();
	if (err)
		return err;
	LinkRequest request(RTM_SETLINK);
	request.header->ifi_index = ifindex;
	mnl_attr_put_strz(request.message, IFLA_IFALIAS, alias.c_str());
	return netlink.call(request.message);
}

int TunDevice::open()
{
	fd_ = Fd(::open("/dev/net/tun", O_RDWR | O_CLOEXEC));
	return fd_.valid() ? 0 : -errno;
}

int TunDevice::create(const std::string &alias)
{
	struct ifreq request = {};
	std::string("xspan%d-raw").copy(request.ifr_name, IFNAMSIZ - 1);
	request.ifr_flags = IFF_TUN | IFF_NO_PI;
	if (ioctl(fd_.get(), TUNSETIFF, &request))
		return -errno;
	ifindex_ = static_cast<int>(if_nametoindex(request.ifr_name));
	return ifindex_ ? set_alias(ifindex_, alias) : -errno;
}
