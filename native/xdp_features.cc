// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)
#include "xdp_features.h"

#include <linux/genetlink.h>

#include "error.h"
#include "netlink.h"

namespace
{

// include/uapi/linux/netdev.h, which Debian 12 does not have yet
constexpr uint8_t netdev_cmd_dev_get = 1;
constexpr uint16_t netdev_a_dev_ifindex = 1;
constexpr uint16_t netdev_a_dev_xdp_features = 3;

struct Request {
	alignas(nlmsghdr) char buffer[128];
	nlmsghdr *message = mnl_nlmsg_put_header(buffer);

	Request(uint16_t family, uint8_t command)
	{
		message->nlmsg_type = family;
		auto *header = static_cast<genlmsghdr *>(
			mnl_nlmsg_put_extra_header(message, sizeof(genlmsghdr)));
		header->cmd = command;
		header->version = 1;
	}
};

int find_family(Netlink &netlink, const char *name, uint16_t *id)
{
	Request request(GENL_ID_CTRL, CTRL_CMD_GETFAMILY);
	mnl_attr_put_strz(request.message, CTRL_ATTR_FAMILY_NAME, name);
	return netlink.call(request.message, [&](const nlmsghdr *message) {
		for_each_attribute(message, sizeof(genlmsghdr), [&](const nlattr *attribute) {
			if (mnl_attr_get_type(attribute) == CTRL_ATTR_FAMILY_ID)
				*id = mnl_attr_get_u16(attribute);
		});
	});
}

uint64_t ask(uint32_t ifindex)
{
	Netlink netlink;
	uint16_t family = 0;
	uint64_t features = 0;
	if (netlink.open(0, NETLINK_GENERIC) || find_family(netlink, "netdev", &family))
		return 0;
	Request request(family, netdev_cmd_dev_get);
	mnl_attr_put_u32(request.message, netdev_a_dev_ifindex, ifindex);
	netlink.call(request.message, [&](const nlmsghdr *message) {
		for_each_attribute(message, sizeof(genlmsghdr), [&](const nlattr *attribute) {
			if (mnl_attr_get_type(attribute) == netdev_a_dev_xdp_features)
				features = mnl_attr_get_u64(attribute);
		});
	});
	return features;
}

} // namespace

Napi::Value xdp_features(const Napi::CallbackInfo &info)
{
	const uint64_t features = ask(info[0].As<Napi::Number>().Uint32Value());
	return Napi::Number::New(info.Env(), static_cast<double>(features));
}
