// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)
#include "packet_sockets.h"

#include <linux/if_packet.h>
#include <linux/packet_diag.h>
#include <linux/sock_diag.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

#include "error.h"

namespace
{

// However often a socket asks for the same interface, the kernel counts it once.
void add_memberships(Napi::Env env, const nlattr *attribute, Napi::Array &ifindexes)
{
	const auto *bytes = static_cast<const char *>(mnl_attr_get_payload(attribute));
	const size_t length = mnl_attr_get_payload_len(attribute);
	packet_diag_mclist membership;
	for (size_t at = 0; at + sizeof(membership) <= length; at += sizeof(membership)) {
		memcpy(&membership, bytes + at, sizeof(membership));
		if (membership.pdmc_type == PACKET_MR_PROMISC)
			ifindexes.Set(ifindexes.Length(),
				      Napi::Number::New(env, membership.pdmc_index));
	}
}

void add_socket(Napi::Env env, const nlmsghdr *message, Napi::Array &list)
{
	const auto *header = static_cast<const packet_diag_msg *>(mnl_nlmsg_get_payload(message));
	auto ifindexes = Napi::Array::New(env);
	for_each_attribute(message, sizeof(*header), [&](const nlattr *attribute) {
		if (mnl_attr_get_type(attribute) == PACKET_DIAG_MCLIST)
			add_memberships(env, attribute, ifindexes);
	});
	if (ifindexes.Length() == 0)
		return;
	auto socket = Napi::Object::New(env);
	socket.Set("inode", Napi::Number::New(env, header->pdiag_ino));
	socket.Set("promiscuousOn", ifindexes);
	list.Set(list.Length(), socket);
}

} // namespace

Napi::Value read_packet_sockets(Napi::Env env, Netlink &netlink)
{
	auto list = Napi::Array::New(env);
	NetlinkRequest<packet_diag_req> request(SOCK_DIAG_BY_FAMILY);
	request.header->sdiag_family = AF_PACKET;
	request.header->pdiag_show = PACKET_SHOW_MCLIST;
	int err = netlink.dump(request.message,
			       [&](const nlmsghdr *message) { add_socket(env, message, list); });
	if (err == -ENOENT || err == -EINVAL)
		return env.Null();
	check(env, err, "listing packet sockets");
	return list;
}
