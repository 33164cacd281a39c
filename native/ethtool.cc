// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)
// Driver, speed and offloads of an interface: ioctl(SIOCETHTOOL), which needs no privilege to read.
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "error.h"
#include "fd.h"
#include "links.h"

namespace
{

class Ethtool
{
public:
	Ethtool(int socket, const std::string &name) : socket_(socket)
	{
		strncpy(request_.ifr_name, name.c_str(), IFNAMSIZ - 1);
	}
	template <typename Command> int call(Command *command)
	{
		request_.ifr_data = reinterpret_cast<char *>(command);
		return ioctl(socket_, SIOCETHTOOL, &request_) ? -errno : 0;
	}
	bool is_on(uint32_t get)
	{
		ethtool_value value = {.cmd = get, .data = 0};
		return !call(&value) && value.data;
	}

private:
	int socket_;
	ifreq request_ = {};
};

uint32_t speed_mbps(Ethtool &device)
{
	ethtool_cmd settings = {};
	settings.cmd = ETHTOOL_GSET;
	if (device.call(&settings))
		return 0;
	const uint32_t speed = ethtool_cmd_speed(&settings);
	return speed == static_cast<uint32_t>(SPEED_UNKNOWN) ? 0 : speed;
}

} // namespace

// ethtool(name) -> {driver, speedMbps, gro, gso, tso, lro, rxVlan, txVlan}; "" and 0: unknown
Napi::Value ethtool(const Napi::CallbackInfo &info)
{
	auto env = info.Env();
	Fd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
	check(env, socket.valid() ? 0 : -errno, "opening a socket");
	Ethtool device(socket.get(), info[0].As<Napi::String>().Utf8Value());
	ethtool_drvinfo driver = {};
	driver.cmd = ETHTOOL_GDRVINFO;
	int err = device.call(&driver);
	if (err == -ENODEV)
		check(env, err, "asking for the driver");
	ethtool_value flags = {.cmd = ETHTOOL_GFLAGS, .data = 0};
	device.call(&flags);

	auto result = Napi::Object::New(env);
	auto set = [&](const char *name, bool on) {
		result.Set(name, Napi::Boolean::New(env, on));
	};
	result.Set("driver", Napi::String::New(env, driver.driver));
	result.Set("speedMbps", Napi::Number::New(env, speed_mbps(device)));
	set("gro", device.is_on(ETHTOOL_GGRO));
	set("gso", device.is_on(ETHTOOL_GGSO));
	set("tso", device.is_on(ETHTOOL_GTSO));
	set("lro", flags.data & ETH_FLAG_LRO);
	set("rxVlan", flags.data & ETH_FLAG_RXVLAN);
	set("txVlan", flags.data & ETH_FLAG_TXVLAN);
	return result;
}
