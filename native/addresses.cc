// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)
// The IP addresses of interfaces.
#include <arpa/inet.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>

#include "error.h"
#include "links.h"

namespace
{

Napi::Value address_object(Napi::Env env, const nlmsghdr *message)
{
	const auto *header = static_cast<const ifaddrmsg *>(mnl_nlmsg_get_payload(message));
	auto object = Napi::Object::New(env);
	const nlattr *local = nullptr, *address = nullptr;
	for_each_attribute(message, sizeof(*header), [&](const nlattr *attribute) {
		if (mnl_attr_get_type(attribute) == IFA_LOCAL)
			local = attribute;
		if (mnl_attr_get_type(attribute) == IFA_ADDRESS)
			address = attribute;
	});
	// with a point-to-point peer IFA_ADDRESS is the peer's; IPv6 without one has no IFA_LOCAL
	const nlattr *own = local ? local : address;
	char text[INET6_ADDRSTRLEN] = "";
	if (own)
		inet_ntop(header->ifa_family, mnl_attr_get_payload(own), text, sizeof(text));
	object.Set("ifindex", Napi::Number::New(env, header->ifa_index));
	object.Set("address", Napi::String::New(env, text));
	object.Set("prefix", Napi::Number::New(env, header->ifa_prefixlen));
	return object;
}

} // namespace

Napi::Value read_addresses(Napi::Env env, Netlink &netlink)
{
	auto list = Napi::Array::New(env);
	NetlinkRequest<ifaddrmsg> request(RTM_GETADDR); // of every family
	int err = netlink.dump(request.message, [&](const nlmsghdr *message) {
		list.Set(list.Length(), address_object(env, message));
	});
	check(env, err, "listing addresses");
	return list;
}
