"""wireguard.py NAME PRIVATE_KEY PORT PEER_KEY PEER_ADDRESS PEER_PORT: sets up a WireGuard interface with one peer, through
which everything may go. Keys in hexadecimal."""
import socket
import struct
import sys

NETLINK_GENERIC, GENL_ID_CTRL = 16, 16
NLM_F_REQUEST, NLM_F_ACK, NLA_F_NESTED = 1, 4, 0x8000
NLMSG_ERROR = 2
CTRL_CMD_GETFAMILY, CTRL_ATTR_FAMILY_ID, CTRL_ATTR_FAMILY_NAME = 3, 1, 2
WG_CMD_SET_DEVICE = 1
DEVICE_IFNAME, DEVICE_PRIVATE_KEY, DEVICE_LISTEN_PORT, DEVICE_PEERS = 2, 3, 6, 8
PEER_PUBLIC_KEY, PEER_ENDPOINT, PEER_ALLOWEDIPS = 1, 4, 9
ALLOWEDIP_FAMILY, ALLOWEDIP_IPADDR, ALLOWEDIP_CIDR_MASK = 1, 2, 3


def attribute(kind, payload):
    return struct.pack("=HH", 4 + len(payload), kind) + payload + bytes(-len(payload) % 4)


def nest(kind, *attributes):
    return attribute(kind | NLA_F_NESTED, b"".join(attributes))


def everything(family, length):
    return nest(
        0,
        attribute(ALLOWEDIP_FAMILY, struct.pack("=H", family)),
        attribute(ALLOWEDIP_IPADDR, bytes(length)),
        attribute(ALLOWEDIP_CIDR_MASK, b"\0"),
    )


def call(netlink, family, command, *attributes):
    body = struct.pack("=BBH", command, 1, 0) + b"".join(attributes)
    flags = NLM_F_REQUEST | NLM_F_ACK
    netlink.send(struct.pack("=IHHII", 16 + len(body), family, flags, 1, 0) + body)
    answer = netlink.recv(65536)
    if struct.unpack_from("=H", answer, 4)[0] == NLMSG_ERROR:
        error = struct.unpack_from("=i", answer, 16)[0]
        if error:
            raise OSError(-error, "generic netlink")
    return answer


def family_of(answer):
    at = 20
    while at < len(answer):
        length, kind = struct.unpack_from("=HH", answer, at)
        if kind == CTRL_ATTR_FAMILY_ID:
            return struct.unpack_from("=H", answer, at + 4)[0]
        at += (length + 3) & ~3
    raise LookupError("no family wireguard")


name, private, port, peer, address, peer_port = sys.argv[1:]
endpoint = struct.pack("=H", socket.AF_INET) + struct.pack("!H", int(peer_port)) + socket.inet_aton(address) + bytes(8)
with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_GENERIC) as netlink:
    wanted = attribute(CTRL_ATTR_FAMILY_NAME, b"wireguard\0")
    family = family_of(call(netlink, GENL_ID_CTRL, CTRL_CMD_GETFAMILY, wanted))
    netlink.close()
with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_GENERIC) as netlink:
    call(
        netlink,
        family,
        WG_CMD_SET_DEVICE,
        attribute(DEVICE_IFNAME, name.encode() + b"\0"),
        attribute(DEVICE_PRIVATE_KEY, bytes.fromhex(private)),
        attribute(DEVICE_LISTEN_PORT, struct.pack("=H", int(port))),
        nest(
            DEVICE_PEERS,
            nest(
                0,
                attribute(PEER_PUBLIC_KEY, bytes.fromhex(peer)),
                attribute(PEER_ENDPOINT, endpoint),
                nest(PEER_ALLOWEDIPS, everything(socket.AF_INET, 4), everything(socket.AF_INET6, 16)),
            ),
        ),
    )
