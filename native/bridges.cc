// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)
#include "bridges.h"

#include <linux/if_bridge.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <cstring>

#include "error.h"
#include "netlink.h"

namespace
{

constexpr size_t mac_length = 6;

// As one number, the first byte highest: 48 bits, which JavaScript holds exactly.
double mac_number(const nlattr *attribute)
{
	const auto *bytes = static_cast<const uint8_t *>(mnl_attr_get_payload(attribute));
	uint64_t number = 0;
	for (size_t i = 0; i < mac_length; i++)
		number = number << 8 | bytes[i];
	return static_cast<double>(number);
}

// Entries of the devices themselves (NTF_SELF: multicast lists, VXLAN's table) name no bridge.
Napi::Value entry_object(Napi::Env env, const nlmsghdr *message)
{
	const auto *header = static_cast<const ndmsg *>(mnl_nlmsg_get_payload(message));
	auto object = Napi::Object::New(env);
	bool is_bridges = false, has_address = false;
	object.Set("port", Napi::Number::New(env, header->ndm_ifindex));
	object.Set("local", Napi::Boolean::New(env, header->ndm_state & NUD_PERMANENT));
	object.Set("vlan", Napi::Number::New(env, 0));
	for_each_attribute(message, sizeof(*header), [&](const nlattr *attribute) {
		switch (mnl_attr_get_type(attribute)) {
		case NDA_MASTER:
			is_bridges = true;
			object.Set("bridge", mnl_attr_get_u32(attribute));
			break;
		case NDA_LLADDR:
			has_address = mnl_attr_get_payload_len(attribute) == mac_length;
			if (has_address)
				object.Set("address", mac_number(attribute));
			break;
		case NDA_VLAN:
			object.Set("vlan", mnl_attr_get_u16(attribute));
			break;
		}
	});
	const bool is_own = header->ndm_flags & NTF_SELF;
	return is_bridges && has_address && !is_own ? object.As<Napi::Value>() : env.Null();
}

// 0: none
uint16_t pvid_of(const nlattr *port)
{
	uint16_t pvid = 0;
	for_each_nested(port, [&](const nlattr *attribute) {
		if (mnl_attr_get_type(attribute) != IFLA_BRIDGE_VLAN_INFO)
			return;
		bridge_vlan_info vlan;
		memcpy(&vlan, mnl_attr_get_payload(attribute), sizeof(vlan));
		if (vlan.flags & BRIDGE_VLAN_INFO_PVID)
			pvid = vlan.vid;
	});
	return pvid;
}

} // namespace

Napi::Value bridge_table(const Napi::CallbackInfo &info)
{
	auto env = info.Env();
	auto list = Napi::Array::New(env);
	NetlinkRequest<ndmsg> request(RTM_GETNEIGH);
	request.header->ndm_family = AF_BRIDGE;
	Netlink netlink;
	check(env, netlink.open(), "opening a netlink socket");
	int err = netlink.dump(request.message, [&](const nlmsghdr *message) {
		const auto entry = entry_object(env, message);
		if (!entry.IsNull())
			list.Set(list.Length(), entry);
	});
	check(env, err, "reading the forwarding tables of bridges");
	return list;
}

Napi::Value bridge_vlans(const Napi::CallbackInfo &info)
{
	auto env = info.Env();
	auto list = Napi::Array::New(env);
	NetlinkRequest<ifinfomsg> request(RTM_GETLINK);
	request.header->ifi_family = AF_BRIDGE;
	mnl_attr_put_u32(request.message, IFLA_EXT_MASK, RTEXT_FILTER_BRVLAN);
	Netlink netlink;
	check(env, netlink.open(), "opening a netlink socket");
	int err = netlink.dump(request.message, [&](const nlmsghdr *message) {
		const auto *header = static_cast<const ifinfomsg *>(mnl_nlmsg_get_payload(message));
		for_each_attribute(message, sizeof(*header), [&](const nlattr *attribute) {
			if (mnl_attr_get_type(attribute) != IFLA_AF_SPEC)
				return;
			const auto pvid = pvid_of(attribute);
			if (!pvid)
				return;
			auto object = Napi::Object::New(env);
			object.Set("port", Napi::Number::New(env, header->ifi_index));
			object.Set("pvid", Napi::Number::New(env, pvid));
			list.Set(list.Length(), object);
		});
	});
	check(env, err, "reading the VLANs of bridges");
	return list;
}
