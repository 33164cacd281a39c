// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)
// One request over netlink, with libmnl. All functions return 0 or a negative errno.
#pragma once

#include <libmnl/libmnl.h>

#include <functional>
#include <vector>

// A request, with room for its attributes.
template <typename Header, size_t size = 256> struct NetlinkRequest {
	alignas(nlmsghdr) char buffer[size];
	nlmsghdr *message = mnl_nlmsg_put_header(buffer);
	Header *header;

	explicit NetlinkRequest(uint16_t type, uint16_t flags = 0)
	{
		message->nlmsg_type = type;
		message->nlmsg_flags = flags;
		header = static_cast<Header *>(mnl_nlmsg_put_extra_header(message, sizeof(Header)));
	}
};

class Netlink
{
public:
	Netlink() = default;
	~Netlink();
	Netlink(const Netlink &) = delete;
	Netlink &operator=(const Netlink &) = delete;

	// groups: RTMGRP_* to listen to, 0 for requests only.
	int open(unsigned groups = 0, int protocol = NETLINK_ROUTE);
	// The same in another network namespace, whose descriptor this is: a socket belongs to the
	// namespace it was made in, whichever thread uses it afterwards.
	int open_in(int netns, unsigned groups = 0, int protocol = NETLINK_ROUTE);
	int fd() const { return mnl_socket_get_fd(socket_); }
	// Sends a dump request and calls visit for every message of the answer.
	int dump(nlmsghdr *request, const std::function<void(const nlmsghdr *)> &visit);
	// Sends a request and waits for its acknowledgement; visit gets what comes before that.
	int call(
		nlmsghdr *request,
		const std::function<void(const nlmsghdr *)> &visit = [](const nlmsghdr *) {});
	// Throws away whatever has arrived; 0 when there was something.
	int skip();

private:
	int receive(const std::function<void(const nlmsghdr *)> &visit);
	int skip_to_end(std::vector<char> &buffer, ssize_t got);

	mnl_socket *socket_ = nullptr;
	unsigned sequence_ = 0;
};

// libmnl's mnl_attr_for_each does not compile as C++; its callback form does.
template <typename Use> int call_for_attribute(const nlattr *attribute, void *use)
{
	(*static_cast<Use *>(use))(attribute);
	return MNL_CB_OK;
}

template <typename Use> void for_each_attribute(const nlmsghdr *message, size_t header, Use use)
{
	mnl_attr_parse(message, static_cast<unsigned>(header), call_for_attribute<Use>, &use);
}

template <typename Use> void for_each_nested(const nlattr *outer, Use use)
{
	mnl_attr_parse_nested(outer, call_for_attribute<Use>, &use);
}
