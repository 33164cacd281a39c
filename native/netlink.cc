// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)
#include "netlink.h"

#include <sys/socket.h>

#include <cerrno>
#include <vector>

#include "in_netns.h"

namespace
{
constexpr size_t dump_buffer_bytes = 65536; // the kernel fills up to 32 KiB a message
}

Netlink::~Netlink()
{
	if (socket_)
		mnl_socket_close(socket_);
}

int Netlink::open(unsigned groups, int protocol)
{
	socket_ = mnl_socket_open2(protocol, SOCK_CLOEXEC);
	if (!socket_)
		return -errno;
	return mnl_socket_bind(socket_, groups, MNL_SOCKET_AUTOPID) ? -errno : 0;
}

int Netlink::open_in(int netns, unsigned groups, int protocol)
{
	return in_netns(netns, [&] { return open(groups, protocol); });
}

static int visit_one(const nlmsghdr *message, void *visit)
{
	(*static_cast<const std::function<void(const nlmsghdr *)> *>(visit))(message);
	return MNL_CB_OK;
}

// Interfaces that come and go meanwhile may be missing from the answer, or be in it twice: the
// kernel says so (NLM_F_DUMP_INTR, which libmnl reports as EINTR), and the question is asked again.
int Netlink::dump(nlmsghdr *request, const std::function<void(const nlmsghdr *)> &visit)
{
	constexpr int tries = 100;
	std::vector<char> answer;
	const auto keep = [&](const nlmsghdr *message) {
		const auto *begin = reinterpret_cast<const char *>(message);
		answer.insert(answer.end(), begin, begin + MNL_ALIGN(message->nlmsg_len));
	};
	request->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	int err = -EINTR;
	for (int i = 0; i < tries && err == -EINTR; i++) {
		answer.clear();
		request->nlmsg_seq = ++sequence_;
		if (mnl_socket_sendto(socket_, request, request->nlmsg_len) < 0)
			return -errno;
		err = receive(keep);
	}
	if (err)
		return err;
	for (size_t at = 0; at < answer.size();) {
		const auto *message = reinterpret_cast<const nlmsghdr *>(&answer[at]);
		visit(message);
		at += MNL_ALIGN(message->nlmsg_len);
	}
	return 0;
}

int Netlink::call(nlmsghdr *request, const std::function<void(const nlmsghdr *)> &visit)
{
	request->nlmsg_flags |= NLM_F_REQUEST | NLM_F_ACK;
	request->nlmsg_seq = ++sequence_;
	if (mnl_socket_sendto(socket_, request, request->nlmsg_len) < 0)
		return -errno;
	return receive(visit);
}

int Netlink::receive(const std::function<void(const nlmsghdr *)> &visit)
{
	std::vector<char> buffer(dump_buffer_bytes);
	auto *context = const_cast<std::function<void(const nlmsghdr *)> *>(&visit);

	for (;;) {
		ssize_t got = mnl_socket_recvfrom(socket_, buffer.data(), buffer.size());
		if (got < 0)
			return -errno;
		int state = mnl_cb_run(buffer.data(), static_cast<size_t>(got), sequence_,
				       mnl_socket_get_portid(socket_), visit_one, context);
		if (state < 0 && errno == EINTR)
			return skip_to_end(buffer, got);
		if (state < 0)
			return -errno;
		if (state == MNL_CB_STOP)
			return 0;
	}
}

static bool has_end(const std::vector<char> &buffer, ssize_t length)
{
	auto left = static_cast<int>(length);
	const auto *message = reinterpret_cast<const nlmsghdr *>(buffer.data());
	for (; mnl_nlmsg_ok(message, left); message = mnl_nlmsg_next(message, &left))
		if (message->nlmsg_type == NLMSG_DONE || message->nlmsg_type == NLMSG_ERROR)
			return true;
	return false;
}

// The kernel answers no other question on this socket before that. -EINTR, or what went wrong.
int Netlink::skip_to_end(std::vector<char> &buffer, ssize_t got)
{
	while (!has_end(buffer, got)) {
		got = mnl_socket_recvfrom(socket_, buffer.data(), buffer.size());
		if (got < 0)
			return -errno;
	}
	return -EINTR;
}

int Netlink::skip()
{
	char buffer[8192];
	ssize_t got = recv(fd(), buffer, sizeof(buffer), MSG_DONTWAIT | MSG_TRUNC);
	// ENOBUFS: messages were lost, which means the same to us: something changed
	return got >= 0 || errno == ENOBUFS ? 0 : -errno;
}
