// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)
#include "forwarding.h"

#include <linux/if_bridge.h>
#include <linux/if_ether.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <algorithm>
#include <initializer_list>
#include <vector>

#include "error.h"
#include "netlink.h"

namespace
{

class Numbers
{
public:
	void add(std::initializer_list<double> row) { all_.insert(all_.end(), row); }
	Napi::Value array(Napi::Env env) const
	{
		auto array = Napi::Float64Array::New(env, all_.size());
		std::copy(all_.begin(), all_.end(), array.Data());
		return array;
	}

private:
	std::vector<double> all_;
};

double mac_number(const nlattr *attribute)
{
	const auto *byte = static_cast<const uint8_t *>(mnl_attr_get_payload(attribute));
	double number = 0;
	for (int i = 0; i < ETH_ALEN; i++)
		number = number * 256 + byte[i];
	return number;
}

// Entries without a master are those of the devices themselves: address filters, vxlan.
void add_entry(Numbers &numbers, const nlmsghdr *message)
{
	const auto *entry = static_cast<const ndmsg *>(mnl_nlmsg_get_payload(message));
	double master = 0, vlan = 0, mac = -1;
	for_each_attribute(message, sizeof(*entry), [&](const nlattr *attribute) {
		switch (mnl_attr_get_type(attribute)) {
		case NDA_MASTER:
			master = mnl_attr_get_u32(attribute);
			break;
		case NDA_VLAN:
			vlan = mnl_attr_get_u16(attribute);
			break;
		case NDA_LLADDR:
			if (mnl_attr_get_payload_len(attribute) == ETH_ALEN)
				mac = mac_number(attribute);
			break;
		}
	});
	const bool is_own = entry->ndm_state & NUD_PERMANENT;
	if (master && mac >= 0)
		numbers.add({master, vlan, mac, is_own ? master : entry->ndm_ifindex});
}

void add_vlan(Numbers &numbers, int ifindex, const nlattr *attribute)
{
	if (mnl_attr_get_type(attribute) != IFLA_BRIDGE_VLAN_INFO)
		return;
	const auto *vlan = static_cast<const bridge_vlan_info *>(mnl_attr_get_payload(attribute));
	numbers.add({static_cast<double>(ifindex), static_cast<double>(vlan->vid),
		     static_cast<double>(vlan->flags)});
}

void add_vlans(Numbers &numbers, const nlmsghdr *message)
{
	const auto *link = static_cast<const ifinfomsg *>(mnl_nlmsg_get_payload(message));
	for_each_attribute(message, sizeof(*link), [&](const nlattr *specifics) {
		if (mnl_attr_get_type(specifics) != IFLA_AF_SPEC)
			return;
		for_each_nested(specifics, [&](const nlattr *attribute) {
			add_vlan(numbers, link->ifi_index, attribute);
		});
	});
}

using Add = void (*)(Numbers &, const nlmsghdr *);

// Of every message that answers the request.
Napi::Value dump(Napi::Env env, nlmsghdr *request, Add add, const char *what)
{
	Numbers numbers;
	Netlink netlink;
	check(env, netlink.open(), "opening a netlink socket");
	int err = netlink.dump(request, [&](const nlmsghdr *message) { add(numbers, message); });
	check(env, err, what);
	return numbers.array(env);
}

} // namespace

Napi::Value forwarding_table(const Napi::CallbackInfo &info)
{
	NetlinkRequest<ndmsg> request(RTM_GETNEIGH);
	request.header->ndm_family = AF_BRIDGE;
	return dump(info.Env(), request.message, add_entry, "listing forwarding tables");
}

Napi::Value bridge_vlans(const Napi::CallbackInfo &info)
{
	NetlinkRequest<ifinfomsg> request(RTM_GETLINK);
	request.header->ifi_family = AF_BRIDGE;
	mnl_attr_put_u32(request.message, IFLA_EXT_MASK, RTEXT_FILTER_BRVLAN);
	return dump(info.Env(), request.message, add_vlans, "listing the VLANs of bridges");
}
