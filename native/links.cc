// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)
#include "links.h"

#include <linux/if_link.h>
#include <linux/rtnetlink.h>

#include <cstdio>
#include <string>

#include "error.h"

namespace
{

class Link
{
public:
	Link(Napi::Env env, const nlmsghdr *message) : env_(env), object_(Napi::Object::New(env))
	{
		const auto *header = static_cast<const ifinfomsg *>(mnl_nlmsg_get_payload(message));
		number("ifindex", header->ifi_index);
		number("arpType", header->ifi_type);
		number("flags", header->ifi_flags);
		for_each_attribute(message, sizeof(*header),
				   [this](const nlattr *attribute) { read(attribute); });
	}
	Napi::Object object() const { return object_; }

private:
	void number(const char *name, uint32_t value)
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
		case IFLA_QDISC:
			return text("qdisc", attribute);
		case IFLA_MTU:
			return number("mtu", mnl_attr_get_u32(attribute));
		case IFLA_MASTER:
			return number("master", mnl_attr_get_u32(attribute));
		case IFLA_LINK:
			return number("link", mnl_attr_get_u32(attribute));
		case IFLA_LINK_NETNSID:
			return number("linkNetnsid", mnl_attr_get_u32(attribute));
		case IFLA_PROMISCUITY:
			return number("promiscuity", mnl_attr_get_u32(attribute));
		case IFLA_OPERSTATE:
			return number("operState", mnl_attr_get_u8(attribute));
		case IFLA_ADDRESS:
			return address(attribute);
		case IFLA_LINKINFO:
			return nested(attribute, IFLA_INFO_KIND,
				      [&](const nlattr *kind) { text("kind", kind); });
		case IFLA_XDP:
			return nested(attribute, IFLA_XDP_PROG_ID, [&](const nlattr *id) {
				number("xdpProgramId", mnl_attr_get_u32(id));
			});
		}
	}
	void address(const nlattr *attribute)
	{
		const auto *byte = static_cast<const uint8_t *>(mnl_attr_get_payload(attribute));
		std::string text;
		for (unsigned i = 0; i < mnl_attr_get_payload_len(attribute); i++) {
			char hex[4];
			snprintf(hex, sizeof(hex), i ? ":%02x" : "%02x", byte[i]);
			text += hex;
		}
		object_.Set("address", Napi::String::New(env_, text));
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

// links() -> one object per interface of this thread's network namespace
Napi::Value links(const Napi::CallbackInfo &info)
{
	auto env = info.Env();
	auto list = Napi::Array::New(env);
	Netlink netlink;
	char buffer[256];
	auto *request = mnl_nlmsg_put_header(buffer);
	request->nlmsg_type = RTM_GETLINK;
	auto *header =
		static_cast<ifinfomsg *>(mnl_nlmsg_put_extra_header(request, sizeof(ifinfomsg)));
	header->ifi_family = AF_UNSPEC;
	check(env, netlink.open(), "opening a netlink socket");
	int err = netlink.dump(request, [&](const nlmsghdr *message) {
		list.Set(list.Length(), Link(env, message).object());
	});
	check(env, err, "listing interfaces");
	return list;
}
