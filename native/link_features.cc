// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)
#include "link_features.h"

#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <vector>

#include "fd.h"

namespace
{

constexpr size_t blocks = 8; // of 32 features each; Linux 7 has fewer than 96

// The structures of ethtool.h end in arrays of no fixed length.
template <typename Header, typename Block> struct Message {
	alignas(8) char bytes[sizeof(Header) + blocks * sizeof(Block)] = {};
	Header *header() { return reinterpret_cast<Header *>(bytes); }
	Block *block() { return reinterpret_cast<Block *>(bytes + sizeof(Header)); }
};

} // namespace

int turn_features_off(const std::string &name)
{
	Fd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
	if (!socket.valid())
		return -errno;
	ifreq request = {};
	strncpy(request.ifr_name, name.c_str(), IFNAMSIZ - 1);
	Message<ethtool_gfeatures, ethtool_get_features_block> now;
	now.header()->cmd = ETHTOOL_GFEATURES;
	now.header()->size = blocks;
	request.ifr_data = now.bytes;
	if (ioctl(socket.get(), SIOCETHTOOL, &request))
		return -errno;
	Message<ethtool_sfeatures, ethtool_set_features_block> off;
	off.header()->cmd = ETHTOOL_SFEATURES;
	off.header()->size = now.header()->size;
	for (size_t i = 0; i < now.header()->size; i++)
		off.block()[i].valid = now.block()[i].available & ~now.block()[i].never_changed;
	request.ifr_data = off.bytes;
	return ioctl(socket.get(), SIOCETHTOOL, &request) < 0 ? -errno : 0;
}
