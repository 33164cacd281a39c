// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)
#include "routing.h"

#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <cerrno>

#include "error.h"
#include "netlink.h"

namespace
{

uint8_t family_of(const Napi::Uint8Array &address)
{
	return address.ByteLength() == 4 ? AF_INET : AF_INET6;
}

Napi::Value bytes_of(Napi::Env env, const nlattr *attribute, size_t skipped = 0)
{
	const auto *begin = static_cast<const char *>(mnl_attr_get_payload(attribute)) + skipped;
	const size_t length = mnl_attr_get_payload_len(attribute) - skipped;
	return Napi::Buffer<char>::Copy(env, begin, length);
}

void read_metrics(Napi::Object result, const nlattr *metrics)
{
	for_each_nested(metrics, [&](const nlattr *metric) {
		if (mnl_attr_get_type(metric) == RTAX_MTU)
			result.Set("mtu", mnl_attr_get_u32(metric));
	});
}

void read(Napi::Env env, Napi::Object result, const nlattr *attribute)
{
	switch (mnl_attr_get_type(attribute)) {
	case RTA_OIF:
		result.Set("ifindex", mnl_attr_get_u32(attribute));
		break;
	case RTA_PREFSRC:
		result.Set("source", bytes_of(env, attribute));
		break;
	case RTA_GATEWAY:
		result.Set("gateway", bytes_of(env, attribute));
		break;
	case RTA_VIA: // a gateway of the other family
		result.Set("gateway", bytes_of(env, attribute, sizeof(rtvia)));
		break;
	case RTA_METRICS:
		read_metrics(result, attribute);
		break;
	}
}

} // namespace

Napi::Value route(const Napi::CallbackInfo &info)
{
	auto env = info.Env();
	auto address = info[0].As<Napi::Uint8Array>();
	auto result = Napi::Object::New(env);
	NetlinkRequest<rtmsg> request(RTM_GETROUTE);
	request.header->rtm_family = family_of(address);
	request.header->rtm_dst_len = static_cast<uint8_t>(address.ByteLength() * 8);
	mnl_attr_put(request.message, RTA_DST, address.ByteLength(), address.Data());
	if (info[1].IsTypedArray()) {
		auto source = info[1].As<Napi::Uint8Array>();
		request.header->rtm_src_len = static_cast<uint8_t>(source.ByteLength() * 8);
		mnl_attr_put(request.message, RTA_SRC, source.ByteLength(), source.Data());
	}
	Netlink netlink;
	check(env, netlink.open(), "opening a netlink socket");
	int err = netlink.call(request.message, [&](const nlmsghdr *message) {
		const auto *answer = static_cast<const rtmsg *>(mnl_nlmsg_get_payload(message));
		result.Set("type", Napi::Number::New(env, answer->rtm_type));
		for_each_attribute(message, sizeof(*answer),
				   [&](const nlattr *attribute) { read(env, result, attribute); });
	});
	check(env, err, "asking for the route");
	return result;
}

namespace
{

// A request about one neighbour: (ifindex, address).
struct NeighbourRequest : NetlinkRequest<ndmsg> {
	NeighbourRequest(const Napi::CallbackInfo &info, uint16_t type, uint16_t flags)
	    : NetlinkRequest(type, flags)
	{
		auto address = info[1].As<Napi::Uint8Array>();
		header->ndm_family = family_of(address);
		header->ndm_ifindex = info[0].As<Napi::Number>().Int32Value();
		mnl_attr_put(message, NDA_DST, address.ByteLength(), address.Data());
	}
};

} // namespace

Napi::Value use_neighbour(const Napi::CallbackInfo &info)
{
	NeighbourRequest request(info, RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE);
	request.header->ndm_state = NUD_NONE;
	request.header->ndm_flags = NTF_USE;
	Netlink netlink;
	check(info.Env(), netlink.open(), "opening a netlink socket");
	const int err = netlink.call(request.message);
	// The interface has just gone, or needs no neighbours: the next route lookup will say so.
	check(info.Env(), err == -ENODEV || err == -EINVAL ? 0 : err, "resolving a neighbour");
	return info.Env().Undefined();
}

Napi::Value neighbour_state(const Napi::CallbackInfo &info)
{
	NeighbourRequest request(info, RTM_GETNEIGH, 0);
	uint16_t state = 0;
	Netlink netlink;
	check(info.Env(), netlink.open(), "opening a netlink socket");
	const int err = netlink.call(request.message, [&](const nlmsghdr *message) {
		state = static_cast<const ndmsg *>(mnl_nlmsg_get_payload(message))->ndm_state;
	});
	check(info.Env(), err == -ENOENT || err == -ENODEV || err == -EINVAL ? 0 : err,
	      "asking for a neighbour");
	return Napi::Number::New(info.Env(), state);
}
