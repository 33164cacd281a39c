// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)
// A network namespace, looked at from outside. JavaScript: new Netns(path?); without a path the one
// of this thread. It holds the namespace: close it, or its interfaces outlive their container.
#pragma once

#include <napi.h>

#include <functional>

#include "fd.h"
#include "netlink.h"

class Netns : public Napi::ObjectWrap<Netns>
{
public:
	static Napi::Function define(Napi::Env env);
	explicit Netns(const Napi::CallbackInfo &info);

	uint64_t inode() const { return inode_; }
	static int fd_of(const Napi::Value &netns);
	// Does work in the namespace of an option that may be left out: then here, and without the
	// capability that another namespace takes.
	static int run_in(const Napi::Value &netns, const std::function<int()> &work);
	int open(Netlink &netlink, unsigned groups, int protocol) const;

private:
	Napi::Value inode_number(const Napi::CallbackInfo &info);
	Napi::Value links(const Napi::CallbackInfo &info);
	Napi::Value addresses(const Napi::CallbackInfo &info);
	// idOf(other) -> the other's id in this namespace (what linkNetnsid says), or -1
	Napi::Value id_of(const Napi::CallbackInfo &info);
	// packetSockets() -> [{inode, promiscuousOn: ifindexes}]; null: the kernel cannot say
	Napi::Value packet_sockets(const Napi::CallbackInfo &info);
	// tcxPrograms(ifindexes) -> [{ifindex, rx: ids, tx: ids}], only those with programs
	Napi::Value tcx_programs(const Napi::CallbackInfo &info);
	// snmp() -> what /proc/net/snmp says there; "": nothing
	Napi::Value snmp(const Napi::CallbackInfo &info);
	Napi::Value close(const Napi::CallbackInfo &info);
	Netlink &socket(Napi::Env env, std::unique_ptr<Netlink> &kept, int protocol) const;

	Fd fd_;
	bool is_own_ = false;
	uint64_t inode_ = 0;
	std::unique_ptr<Netlink> route_;
	std::unique_ptr<Netlink> diag_;
};

int own_netns_inode(uint64_t *inode);
