// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)
#include "netns.h"

#include <fcntl.h>
#include <linux/net_namespace.h>
#include <linux/rtnetlink.h>
#include <sys/stat.h>

#include <cerrno>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "error.h"
#include "in_netns.h"
#include "links.h"
#include "packet_sockets.h"
#include "programs.h"

namespace
{

constexpr const char *own_path = "/proc/thread-self/ns/net";
constexpr const char *snmp_path = "/proc/thread-self/net/snmp"; // of the thread's namespace

Napi::Array numbers(Napi::Env env, const std::vector<uint32_t> &values)
{
	auto list = Napi::Array::New(env, values.size());
	for (uint32_t i = 0; i < values.size(); i++)
		list.Set(i, Napi::Number::New(env, values[i]));
	return list;
}

struct Attached {
	int ifindex;
	std::vector<uint32_t> rx, tx;
};

std::vector<Attached> attached_to(const std::vector<int> &ifindexes)
{
	std::vector<Attached> found;
	for (int ifindex : ifindexes) {
		Attached attached = {ifindex, {}, {}};
		if (tcx_program_ids(ifindex, false, &attached.rx) ||
		    tcx_program_ids(ifindex, true, &attached.tx))
			continue; // gone, or a kernel without tcx
		if (!attached.rx.empty() || !attached.tx.empty())
			found.push_back(std::move(attached));
	}
	return found;
}

std::string read_file(const char *path)
{
	std::ifstream file(path);
	return {std::istreambuf_iterator<char>(file), {}};
}

} // namespace

int own_netns_inode(uint64_t *inode)
{
	struct stat status;
	if (stat(own_path, &status))
		return -errno;
	*inode = status.st_ino;
	return 0;
}

Netns::Netns(const Napi::CallbackInfo &info) : Napi::ObjectWrap<Netns>(info)
{
	auto env = info.Env();
	is_own_ = info[0].IsUndefined();
	const std::string path = is_own_ ? own_path : info[0].As<Napi::String>().Utf8Value();
	struct stat status;
	fd_ = Fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
	check(env, fd_.valid() ? 0 : -errno, "opening a network namespace");
	check(env, fstat(fd_.get(), &status) ? -errno : 0, "opening a network namespace");
	inode_ = status.st_ino;
}

int Netns::fd_of(const Napi::Value &netns)
{
	return Netns::Unwrap(netns.As<Napi::Object>())->fd_.get();
}

int Netns::run_in(const Napi::Value &netns, const std::function<int()> &work)
{
	if (!netns.IsObject())
		return work();
	const auto *there = Netns::Unwrap(netns.As<Napi::Object>());
	return there->is_own_ ? work() : in_netns(there->fd_.get(), work);
}

// setns() takes CAP_SYS_ADMIN, even into the namespace where one is: so not for the own one.
int Netns::open(Netlink &netlink, unsigned groups, int protocol) const
{
	return is_own_ ? netlink.open(groups, protocol)
		       : netlink.open_in(fd_.get(), groups, protocol);
}

// Opened when it is first needed, and kept: a watch asks again and again.
Netlink &Netns::socket(Napi::Env env, std::unique_ptr<Netlink> &kept, int protocol) const
{
	if (kept)
		return *kept;
	auto netlink = std::make_unique<Netlink>();
	check(env, open(*netlink, 0, protocol), "entering a network namespace");
	kept = std::move(netlink);
	return *kept;
}

Napi::Value Netns::inode_number(const Napi::CallbackInfo &info)
{
	return Napi::Number::New(info.Env(), static_cast<double>(inode_));
}

Napi::Value Netns::links(const Napi::CallbackInfo &info)
{
	return read_links(info.Env(), socket(info.Env(), route_, NETLINK_ROUTE));
}

Napi::Value Netns::addresses(const Napi::CallbackInfo &info)
{
	return read_addresses(info.Env(), socket(info.Env(), route_, NETLINK_ROUTE));
}

Napi::Value Netns::id_of(const Napi::CallbackInfo &info)
{
	auto env = info.Env();
	const auto *other = Unwrap(info[0].As<Napi::Object>());
	int32_t id = NETNSA_NSID_NOT_ASSIGNED;
	NetlinkRequest<rtgenmsg> request(RTM_GETNSID);
	mnl_attr_put_u32(request.message, NETNSA_FD, static_cast<uint32_t>(other->fd_.get()));
	int err = socket(env, route_, NETLINK_ROUTE)
			  .call(request.message, [&](const nlmsghdr *message) {
				  for_each_attribute(
					  message, sizeof(rtgenmsg), [&](const nlattr *attribute) {
						  if (mnl_attr_get_type(attribute) == NETNSA_NSID)
							  id = static_cast<int32_t>(
								  mnl_attr_get_u32(attribute));
					  });
			  });
	check(env, err, "asking for the id of a network namespace");
	return Napi::Number::New(env, id);
}

Napi::Value Netns::packet_sockets(const Napi::CallbackInfo &info)
{
	return read_packet_sockets(info.Env(), socket(info.Env(), diag_, NETLINK_SOCK_DIAG));
}

Napi::Value Netns::tcx_programs(const Napi::CallbackInfo &info)
{
	auto env = info.Env();
	auto input = info[0].As<Napi::Array>();
	std::vector<int> ifindexes;
	std::vector<Attached> found;
	for (uint32_t i = 0; i < input.Length(); i++)
		ifindexes.push_back(input.Get(i).As<Napi::Number>().Int32Value());
	auto query = [&] {
		found = attached_to(ifindexes);
		return 0;
	};
	check(env, is_own_ ? query() : in_netns(fd_.get(), query), "entering a network namespace");
	auto list = Napi::Array::New(env, found.size());
	for (uint32_t i = 0; i < found.size(); i++) {
		auto each = Napi::Object::New(env);
		each.Set("ifindex", Napi::Number::New(env, found[i].ifindex));
		each.Set("rx", numbers(env, found[i].rx));
		each.Set("tx", numbers(env, found[i].tx));
		list.Set(i, each);
	}
	return list;
}

Napi::Value Netns::snmp(const Napi::CallbackInfo &info)
{
	auto env = info.Env();
	std::string text;
	auto read = [&] {
		text = read_file(snmp_path);
		return 0;
	};
	check(env, is_own_ ? read() : in_netns(fd_.get(), read), "entering a network namespace");
	return Napi::String::New(env, text);
}

Napi::Value Netns::close(const Napi::CallbackInfo &info)
{
	route_.reset();
	diag_.reset();
	fd_.reset();
	return info.Env().Undefined();
}

Napi::Function Netns::define(Napi::Env env)
{
	return DefineClass(env, "Netns",
			   {InstanceMethod<&Netns::inode_number>("inode"),
			    InstanceMethod<&Netns::links>("links"),
			    InstanceMethod<&Netns::addresses>("addresses"),
			    InstanceMethod<&Netns::id_of>("idOf"),
			    InstanceMethod<&Netns::packet_sockets>("packetSockets"),
			    InstanceMethod<&Netns::tcx_programs>("tcxPrograms"),
			    InstanceMethod<&Netns::snmp>("snmp"),
			    InstanceMethod<&Netns::close>("close")});
}
