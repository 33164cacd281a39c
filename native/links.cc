// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)
#include "links.h"

#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <string>

#include "error.h"
#include "link_kind.h"

namespace
{

// IFLA_ALLMULTI came with Linux 6.0, and is not in the headers of older distributions.
constexpr uint16_t ifla_allmulti = 61;

// Frames; the properties that they become.
constexpr struct {
	const char *name;
	__u64 rtnl_link_stats64::*member;
} counters[] = {
	{"rxFrames", &rtnl_link_stats64::rx_packets},
	{"rxMulticast", &rtnl_link_stats64::multicast},
	{"rxDropped", &rtnl_link_stats64::rx_dropped},
	{"rxMissed", &rtnl_link_stats64::rx_missed_errors},
	{"rxErrors", &rtnl_link_stats64::rx_errors},
	{"rxLengthErrors", &rtnl_link_stats64::rx_length_errors},
	{"rxCrcErrors", &rtnl_link_stats64::rx_crc_errors},
	{"rxFrameErrors", &rtnl_link_stats64::rx_frame_errors},
	{"rxFifoErrors", &rtnl_link_stats64::rx_fifo_errors},
	{"txFrames", &rtnl_link_stats64::tx_packets},
	{"txDropped", &rtnl_link_stats64::tx_dropped},
	{"txErrors", &rtnl_link_stats64::tx_errors},
	{"txAbortedErrors", &rtnl_link_stats64::tx_aborted_errors},
	{"txCarrierErrors", &rtnl_link_stats64::tx_carrier_errors},
	{"txFifoErrors", &rtnl_link_stats64::tx_fifo_errors},
	{"txWindowErrors", &rtnl_link_stats64::tx_window_errors},
};

class Link
{
public:
	Link(Napi::Env env, const nlmsghdr *message) : env_(env), object_(Napi::Object::New(env))
	{
		const auto *header = static_cast<const ifinfomsg *>(mnl_nlmsg_get_payload(message));
		number("ifindex", header->ifi_index);
		number("arpType", header->ifi_type);
		number("flags", header->ifi_flags);
		// until the attribute says more: all that older kernels tell
		number("allmulti", header->ifi_flags & IFF_ALLMULTI ? 1 : 0);
		for_each_attribute(message, sizeof(*header),
				   [this](const nlattr *attribute) { read(attribute); });
	}
	Napi::Object object() const { return object_; }

private:
	void number(const char *name, double value)
	{
		object_.Set(name, Napi::Number::New(env_, value));
	}
	void text(const char *name, const nlattr *attribute)
	{
		object_.Set(name, Napi::String::New(env_, mnl_attr_get_str(attribute)));
	}
	void read(const nlattr *attribute)
	{
		switch (mnl_attr_get_type(attribute)) {
		case IFLA_IFNAME:
			return text("name", attribute);
		case IFLA_IFALIAS:
			return text("alias", attribute);
		case IFLA_MTU:
			return number("mtu", mnl_attr_get_u32(attribute));
		case IFLA_MASTER:
			return number("master", mnl_attr_get_u32(attribute));
		case IFLA_LINK:
			return number("link", mnl_attr_get_u32(attribute));
		case IFLA_LINK_NETNSID:
			return number("linkNetnsid",
				      static_cast<int32_t>(mnl_attr_get_u32(attribute)));
		case IFLA_PROMISCUITY:
			return number("promiscuity", mnl_attr_get_u32(attribute));
		case ifla_allmulti:
			return number("allmulti", mnl_attr_get_u32(attribute));
		case IFLA_OPERSTATE:
			return number("operState", mnl_attr_get_u8(attribute));
		case IFLA_ADDRESS:
			return address("address", attribute);
		case IFLA_PERM_ADDRESS:
			return address("permanentAddress", attribute);
		case IFLA_STATS64:
			return statistics(attribute);
		case IFLA_LINKINFO:
			return read_link_kind(env_, object_, attribute);
		case IFLA_XDP:
			return nested(attribute, IFLA_XDP_PROG_ID, [&](const nlattr *id) {
				number("xdpProgramId", mnl_attr_get_u32(id));
			});
		}
	}
	void address(const char *name, const nlattr *attribute)
	{
		const auto *byte = static_cast<const uint8_t *>(mnl_attr_get_payload(attribute));
		std::string text;
		for (unsigned i = 0; i < mnl_attr_get_payload_len(attribute); i++) {
			char hex[4];
			snprintf(hex, sizeof(hex), i ? ":%02x" : "%02x", byte[i]);
			text += hex;
		}
		object_.Set(name, Napi::String::New(env_, text));
	}
	void statistics(const nlattr *attribute)
	{
		rtnl_link_stats64 stats = {}; // aligned, and as long as the kernel makes it
		memcpy(&stats, mnl_attr_get_payload(attribute),
		       std::min<size_t>(sizeof(stats), mnl_attr_get_payload_len(attribute)));
		auto object = Napi::Object::New(env_);
		// a double holds 2^53 exactly: at 100 Gbit/s that is the bytes of 8 days
		object.Set("rxBytes", Napi::BigInt::New(env_, uint64_t{stats.rx_bytes}));
		object.Set("txBytes", Napi::BigInt::New(env_, uint64_t{stats.tx_bytes}));
		for (const auto &[name, member] : counters)
			object.Set(name,
				   Napi::Number::New(env_, static_cast<double>(stats.*member)));
		object_.Set("statistics", object);
	}
	template <typename Use> void nested(const nlattr *outer, unsigned type, Use use)
	{
		for_each_nested(outer, [&](const nlattr *inner) {
			if (mnl_attr_get_type(inner) == type)
				use(inner);
		});
	}

	Napi::Env env_;
	Napi::Object object_;
};

} // namespace

Napi::Value read_links(Napi::Env env, Netlink &netlink)
{
	auto list = Napi::Array::New(env);
	NetlinkRequest<ifinfomsg> request(RTM_GETLINK); // of every family
	int err = netlink.dump(request.message, [&](const nlmsghdr *message) {
		list.Set(list.Length(), Link(env, message).object());
	});
	check(env, err, "listing interfaces");
	return list;
}

// links() -> one object per interface of this thread's network namespace
Napi::Value links(const Napi::CallbackInfo &info)
{
	Netlink netlink;
	check(info.Env(), netlink.open(), "opening a netlink socket");
	return read_links(info.Env(), netlink);
}
