// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)
#include "veth.h"

#include <fcntl.h>
#include <linux/if_link.h>
#include <linux/ip.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "error.h"
#include "fd.h"
#include "link_features.h"
#include "netlink.h"
#include "netns.h"

namespace
{

struct End {
	std::string name;
	Napi::Uint8Array address;
	uint32_t ifindex;  // 0: the kernel chooses
	bool forwards;	   // IPv4: route lookups in the name of this device are allowed
	Napi::Value netns; // undefined: here
};

// The same for both ends.
struct Setup {
	std::string alias;
	uint32_t mtu, queue;
	bool offloads;
};

// With room for both ends, and for an alias.
using PairRequest = NetlinkRequest<ifinfomsg, 1024>;
using LinkRequest = NetlinkRequest<ifinfomsg>;

void put_end(nlmsghdr *message, const End &end, uint32_t mtu)
{
	if (end.netns.IsObject())
		mnl_attr_put_u32(message, IFLA_NET_NS_FD,
				 static_cast<uint32_t>(Netns::fd_of(end.netns)));
	mnl_attr_put_strz(message, IFLA_IFNAME, end.name.c_str());
	mnl_attr_put(message, IFLA_ADDRESS, end.address.ByteLength(), end.address.Data());
	mnl_attr_put_u32(message, IFLA_MTU, mtu);
	// One queue: copies stay in order, and sequence numbers leave in theirs.
	mnl_attr_put_u32(message, IFLA_NUM_TX_QUEUES, 1);
	mnl_attr_put_u32(message, IFLA_NUM_RX_QUEUES, 1);
}

// Only the device that the request itself is about may have a chosen ifindex: the inner end.
int create_pair(Netlink &netlink, const End &inner, const End &outer, uint32_t mtu)
{
	PairRequest request(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL);
	request.header->ifi_index = static_cast<int>(inner.ifindex);
	put_end(request.message, inner, mtu);
	auto *info = mnl_attr_nest_start(request.message, IFLA_LINKINFO);
	mnl_attr_put_strz(request.message, IFLA_INFO_KIND, "veth");
	auto *data = mnl_attr_nest_start(request.message, IFLA_INFO_DATA);
	auto *peer = mnl_attr_nest_start(request.message, VETH_INFO_PEER);
	mnl_nlmsg_put_extra_header(request.message, sizeof(ifinfomsg));
	put_end(request.message, outer, mtu);
	mnl_attr_nest_end(request.message, peer);
	mnl_attr_nest_end(request.message, data);
	mnl_attr_nest_end(request.message, info);
	return netlink.call(request.message);
}

// Nothing of its own may leave through it: no ARP, no multicast, no address that IPv6 makes up.
void put_quiet(nlmsghdr *message, const End &end)
{
	auto *spec = mnl_attr_nest_start(message, IFLA_AF_SPEC);
	auto *inet6 = mnl_attr_nest_start(message, AF_INET6);
	mnl_attr_put_u8(message, IFLA_INET6_ADDR_GEN_MODE, IN6_ADDR_GEN_MODE_NONE);
	mnl_attr_nest_end(message, inet6);
	if (end.forwards) {
		auto *inet = mnl_attr_nest_start(message, AF_INET);
		auto *conf = mnl_attr_nest_start(message, IFLA_INET_CONF);
		mnl_attr_put_u32(message, IPV4_DEVCONF_FORWARDING, 1);
		mnl_attr_nest_end(message, conf);
		mnl_attr_nest_end(message, inet);
	}
	mnl_attr_nest_end(message, spec);
}

int set_link(Netlink &netlink, const End &end, const std::string &alias)
{
	PairRequest request(RTM_SETLINK);
	request.header->ifi_index = static_cast<int>(if_nametoindex(end.name.c_str()));
	request.header->ifi_flags = IFF_NOARP;
	request.header->ifi_change = IFF_NOARP | IFF_MULTICAST;
	mnl_attr_put_strz(request.message, IFLA_IFALIAS, alias.c_str());
	put_quiet(request.message, end);
	return netlink.call(request.message);
}

int set_up(Netlink &netlink, unsigned ifindex)
{
	LinkRequest request(RTM_SETLINK);
	request.header->ifi_index = static_cast<int>(ifindex);
	request.header->ifi_flags = IFF_UP;
	request.header->ifi_change = IFF_UP;
	return netlink.call(request.message);
}

// The kernel would announce multicast groups. Where there is no IPv6, or /proc/sys may not be
// written, there is no more that could be done.
void disable_ipv6(const std::string &name)
{
	const std::string path = "/proc/sys/net/ipv6/conf/" + name + "/disable_ipv6";
	Fd file(open(path.c_str(), O_WRONLY | O_CLOEXEC));
	if (file.valid())
		(void)!write(file.get(), "1", 1);
}

// veth's own ring holds 256 frames, which one super-frame burst overflows.
int set_pfifo(Netlink &netlink, unsigned ifindex, uint32_t frames)
{
	NetlinkRequest<tcmsg> request(RTM_NEWQDISC, NLM_F_CREATE | NLM_F_REPLACE);
	request.header->tcm_ifindex = static_cast<int>(ifindex);
	request.header->tcm_parent = TC_H_ROOT;
	const tc_fifo_qopt options = {.limit = frames};
	mnl_attr_put_strz(request.message, TCA_KIND, "pfifo");
	mnl_attr_put(request.message, TCA_OPTIONS, sizeof(options), &options);
	return netlink.call(request.message);
}

int remove(Netlink &netlink, int ifindex)
{
	LinkRequest request(RTM_DELLINK);
	request.header->ifi_index = ifindex;
	return netlink.call(request.message);
}

// In the namespace of the end. Returns its ifindex, or a negative errno.
int prepare(const End &end, const Setup &setup)
{
	const unsigned ifindex = if_nametoindex(end.name.c_str());
	Netlink netlink;
	int err = netlink.open();
	if (!err && !setup.offloads)
		err = turn_features_off(end.name);
	if (!err)
		err = set_link(netlink, end, setup.alias);
	if (!err && !end.forwards)
		err = set_pfifo(netlink, ifindex, setup.queue);
	if (!end.forwards)
		disable_ipv6(end.name);
	if (!err)
		err = set_up(netlink, ifindex);
	return err ? err : static_cast<int>(ifindex);
}

int prepare_both(const End &inner, const End &outer, const Setup &setup)
{
	const int err = Netns::run_in(inner.netns, [&] { return prepare(inner, setup); });
	return err < 0 ? err : Netns::run_in(outer.netns, [&] { return prepare(outer, setup); });
}

int remove_in(const Napi::Value &netns, int ifindex)
{
	return Netns::run_in(netns, [&] {
		Netlink netlink;
		const int err = netlink.open();
		return err ? err : remove(netlink, ifindex);
	});
}

} // namespace

Napi::Value create_veth(const Napi::CallbackInfo &info)
{
	auto env = info.Env();
	auto options = info[0].As<Napi::Object>();
	auto text = [&](const char *name) {
		return options.Get(name).As<Napi::String>().Utf8Value();
	};
	auto number = [&](const char *name) {
		return options.Get(name).As<Napi::Number>().Uint32Value();
	};
	auto address = [&](const char *name) { return options.Get(name).As<Napi::Uint8Array>(); };
	const End inner = {text("inner"), address("innerAddress"), number("innerIfindex"), true,
			   options.Get("innerNetns")};
	const End outer = {text("outer"), address("outerAddress"), 0, false,
			   options.Get("outerNetns")};
	const Setup setup = {text("alias"), number("mtu"), number("queue"),
			     options.Get("offloads").As<Napi::Boolean>()};
	Netlink netlink;
	check(env, netlink.open(), "opening a netlink socket");
	check(env, create_pair(netlink, inner, outer, setup.mtu), "creating a mirror port");
	const int result = prepare_both(inner, outer, setup);
	if (result < 0)
		remove_in(inner.netns, static_cast<int>(inner.ifindex));
	return Napi::Number::New(env, check(env, result, "setting up a mirror port"));
}

Napi::Value delete_link(const Napi::CallbackInfo &info)
{
	Netlink netlink;
	check(info.Env(), netlink.open(), "opening a netlink socket");
	const int err = remove(netlink, info[0].As<Napi::Number>().Int32Value());
	check(info.Env(), err == -ENODEV ? 0 : err, "removing an interface");
	return Napi::Boolean::New(info.Env(), !err);
}

Napi::Value link_drops(const Napi::CallbackInfo &info)
{
	Netlink netlink;
	LinkRequest request(RTM_GETLINK);
	uint64_t dropped = 0;
	request.header->ifi_index = info[0].As<Napi::Number>().Int32Value();
	check(info.Env(), netlink.open(), "opening a netlink socket");
	int err = netlink.call(request.message, [&](const nlmsghdr *message) {
		for_each_attribute(message, sizeof(ifinfomsg), [&](const nlattr *attribute) {
			if (mnl_attr_get_type(attribute) == IFLA_STATS64)
				dropped = static_cast<const rtnl_link_stats64 *>(
						  mnl_attr_get_payload(attribute))
						  ->tx_dropped;
		});
	});
	check(info.Env(), err == -ENODEV ? 0 : err, "reading statistics");
	return Napi::Number::New(info.Env(), static_cast<double>(dropped));
}
