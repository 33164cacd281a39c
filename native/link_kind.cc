// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)
#include "link_kind.h"

#include <arpa/inet.h>
#include <linux/if.h>
#include <linux/if_link.h>
#include <linux/if_tunnel.h>

#include <algorithm>
#include <cstring>
#include <span>

#include "netlink.h"

namespace
{

// present: no value, true by being there. address: IPv4 or IPv6, as text; left out when it is all
// zeros, which stands for "any".
enum class Width { u8, u16, be16, u32, be32, flag, present, address };

// An attribute of a kind, and the property that it becomes.
struct Field {
	unsigned attribute;
	const char *name;
	Width width;
};

struct Kind {
	const char *kind;
	const char *property;
	std::span<const Field> fields;
};

constexpr Field vlan_fields[] = {{IFLA_VLAN_ID, "id", Width::u16},
				 {IFLA_VLAN_PROTOCOL, "protocol", Width::be16}};
constexpr Field vxlan_fields[] = {{IFLA_VXLAN_ID, "id", Width::u32},
				  {IFLA_VXLAN_LINK, "link", Width::u32},
				  {IFLA_VXLAN_PORT, "port", Width::be16},
				  {IFLA_VXLAN_LOCAL, "local", Width::address},
				  {IFLA_VXLAN_LOCAL6, "local", Width::address},
				  {IFLA_VXLAN_GROUP, "remote", Width::address},
				  {IFLA_VXLAN_GROUP6, "remote", Width::address},
				  {IFLA_VXLAN_COLLECT_METADATA, "external", Width::flag}};
constexpr Field geneve_fields[] = {{IFLA_GENEVE_ID, "id", Width::u32},
				   {IFLA_GENEVE_PORT, "port", Width::be16},
				   {IFLA_GENEVE_REMOTE, "remote", Width::address},
				   {IFLA_GENEVE_REMOTE6, "remote", Width::address},
				   {IFLA_GENEVE_COLLECT_METADATA, "external", Width::present}};
constexpr Field gre_fields[] = {{IFLA_GRE_LOCAL, "local", Width::address},
				{IFLA_GRE_REMOTE, "remote", Width::address},
				{IFLA_GRE_IFLAGS, "inputFlags", Width::be16},
				{IFLA_GRE_IKEY, "inputKey", Width::be32},
				{IFLA_GRE_OFLAGS, "outputFlags", Width::be16},
				{IFLA_GRE_OKEY, "outputKey", Width::be32},
				{IFLA_GRE_TOS, "tos", Width::u8},
				{IFLA_GRE_ENCAP_TYPE, "encapsulation", Width::u16},
				{IFLA_GRE_COLLECT_METADATA, "external", Width::present}};
constexpr Field ip_tunnel_fields[] = {{IFLA_IPTUN_LOCAL, "local", Width::address},
				      {IFLA_IPTUN_REMOTE, "remote", Width::address},
				      {IFLA_IPTUN_PROTO, "protocol", Width::u8},
				      {IFLA_IPTUN_TOS, "tos", Width::u8},
				      {IFLA_IPTUN_ENCAP_TYPE, "encapsulation", Width::u16},
				      {IFLA_IPTUN_COLLECT_METADATA, "external", Width::present}};
constexpr Field macvlan_fields[] = {{IFLA_MACVLAN_MODE, "mode", Width::u32},
				    {IFLA_MACVLAN_FLAGS, "flags", Width::u16}};
constexpr Field ipvlan_fields[] = {{IFLA_IPVLAN_MODE, "mode", Width::u16}};
constexpr Field tun_fields[] = {{IFLA_TUN_TYPE, "type", Width::u8},
				{IFLA_TUN_PERSIST, "persist", Width::flag}};
constexpr Field bond_fields[] = {{IFLA_BOND_MODE, "mode", Width::u8}};
constexpr Field bridge_fields[] = {{IFLA_BR_VLAN_FILTERING, "vlanFiltering", Width::flag},
				   {IFLA_BR_VLAN_PROTOCOL, "vlanProtocol", Width::be16},
				   {IFLA_BR_MCAST_SNOOPING, "multicastSnooping", Width::flag},
				   {IFLA_BR_MCAST_QUERIER_STATE, "querier", Width::present}};
constexpr Field port_fields[] = {{IFLA_BRPORT_STATE, "state", Width::u8},
				 {IFLA_BRPORT_MODE, "hairpin", Width::flag},
				 {IFLA_BRPORT_ISOLATED, "isolated", Width::flag},
				 {IFLA_BRPORT_LEARNING, "learning", Width::flag},
				 {IFLA_BRPORT_UNICAST_FLOOD, "flood", Width::flag},
				 {IFLA_BRPORT_MCAST_FLOOD, "multicastFlood", Width::flag},
				 {IFLA_BRPORT_BCAST_FLOOD, "broadcastFlood", Width::flag},
				 {IFLA_BRPORT_LOCKED, "locked", Width::flag}};

const Kind kinds[] = {
	{"vlan", "vlan", vlan_fields},
	{"vxlan", "vxlan", vxlan_fields},
	{"geneve", "geneve", geneve_fields},
	{"gre", "gre", gre_fields},
	{"gretap", "gre", gre_fields},
	{"ip6gre", "gre", gre_fields},
	{"ip6gretap", "gre", gre_fields},
	{"ipip", "ipTunnel", ip_tunnel_fields},
	{"sit", "ipTunnel", ip_tunnel_fields},
	{"ip6tnl", "ipTunnel", ip_tunnel_fields},
	{"macvlan", "macvlan", macvlan_fields},
	{"macvtap", "macvlan", macvlan_fields},
	{"ipvlan", "ipvlan", ipvlan_fields},
	{"ipvtap", "ipvlan", ipvlan_fields},
	{"tun", "tun", tun_fields},
	{"bond", "bond", bond_fields},
	{"bridge", "bridge", bridge_fields},
};
const Kind slave_kinds[] = {{"bridge", "bridgePort", port_fields}};

Napi::Value address_of(Napi::Env env, const nlattr *attribute)
{
	const auto *bytes = static_cast<const uint8_t *>(mnl_attr_get_payload(attribute));
	const std::span address(bytes, mnl_attr_get_payload_len(attribute));
	const int family = address.size() == sizeof(in_addr) ? AF_INET : AF_INET6;
	char text[INET6_ADDRSTRLEN];
	if (std::ranges::all_of(address, [](uint8_t byte) { return byte == 0; }))
		return env.Undefined();
	return Napi::String::New(env, inet_ntop(family, bytes, text, sizeof(text)));
}

Napi::Value value_of(Napi::Env env, const nlattr *attribute, Width width)
{
	switch (width) {
	case Width::flag:
		return Napi::Boolean::New(env, mnl_attr_get_u8(attribute));
	case Width::u8:
		return Napi::Number::New(env, mnl_attr_get_u8(attribute));
	case Width::u16:
		return Napi::Number::New(env, mnl_attr_get_u16(attribute));
	case Width::be16:
		return Napi::Number::New(env, ntohs(mnl_attr_get_u16(attribute)));
	case Width::u32:
		return Napi::Number::New(env, mnl_attr_get_u32(attribute));
	case Width::be32:
		return Napi::Number::New(env, ntohl(mnl_attr_get_u32(attribute)));
	case Width::present:
		return Napi::Boolean::New(env, true);
	case Width::address:
		return address_of(env, attribute);
	}
	return env.Undefined();
}

void set(Napi::Object object, const char *name, Napi::Value value)
{
	if (!value.IsUndefined())
		object.Set(name, value);
}

Napi::Object read_fields(Napi::Env env, const nlattr *data, std::span<const Field> fields)
{
	auto object = Napi::Object::New(env);
	for_each_nested(data, [&](const nlattr *attribute) {
		for (const auto &field : fields)
			if (mnl_attr_get_type(attribute) == field.attribute)
				set(object, field.name, value_of(env, attribute, field.width));
	});
	return object;
}

void read_data(Napi::Env env, Napi::Object link, const char *name, const nlattr *data,
	       std::span<const Kind> known)
{
	for (const auto &kind : known)
		if (name && data && !strcmp(name, kind.kind))
			link.Set(kind.property, read_fields(env, data, kind.fields));
}

} // namespace

void read_link_kind(Napi::Env env, Napi::Object link, const nlattr *link_info)
{
	const char *kind = nullptr, *slave_kind = nullptr;
	const nlattr *data = nullptr, *slave_data = nullptr;
	for_each_nested(link_info, [&](const nlattr *attribute) {
		switch (mnl_attr_get_type(attribute)) {
		case IFLA_INFO_KIND:
			kind = mnl_attr_get_str(attribute);
			break;
		case IFLA_INFO_DATA:
			data = attribute;
			break;
		case IFLA_INFO_SLAVE_KIND:
			slave_kind = mnl_attr_get_str(attribute);
			break;
		case IFLA_INFO_SLAVE_DATA:
			slave_data = attribute;
			break;
		}
	});
	if (kind)
		link.Set("kind", Napi::String::New(env, kind));
	if (slave_kind)
		link.Set("slaveKind", Napi::String::New(env, slave_kind));
	read_data(env, link, kind, data, kinds);
	read_data(env, link, slave_kind, slave_data, slave_kinds);
}
