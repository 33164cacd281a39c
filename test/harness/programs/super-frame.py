"""super-frame.py INTERFACE VLAN BYTES SEGMENT: one TCP super-frame, as offloading makes them.

It has a tag where VLAN is not 0, BYTES of payload (byte i is i % 251), and no checksum yet.
"""

import socket
import struct
import sys

SOL_PACKET, PACKET_VNET_HDR = 263, 15
NEEDS_CSUM, GSO_TCPV4 = 1, 1
TCP_CHECKSUM_AT = 16

name, vlan, count, segment = sys.argv[1], *map(int, sys.argv[2:])
payload = bytes(i % 251 for i in range(count))
tcp = struct.pack("!HHIIBBHHH", 40000, 9, 1000, 1, 5 << 4, 0x10, 65535, 0, 0) + payload
addresses = socket.inet_aton("10.9.0.1") + socket.inet_aton("10.9.0.2")
ip = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(tcp), 1, 0x4000, 64, 6, 0) + addresses


def fold(data: bytes) -> int:
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return total


ip = ip[:10] + struct.pack("!H", ~fold(ip) & 0xFFFF) + ip[12:]
pseudo = fold(addresses + struct.pack("!HH", 6, len(tcp)))
tcp = tcp[:TCP_CHECKSUM_AT] + struct.pack("!H", pseudo) + tcp[TCP_CHECKSUM_AT + 2 :]
tag = struct.pack("!HH", 0x8100, vlan) if vlan else b""
ethernet = bytes.fromhex("02000000000b02000000000a") + tag + struct.pack("!H", 0x0800)
start = len(ethernet) + len(ip)
header = struct.pack("<BBHHHH", NEEDS_CSUM, GSO_TCPV4, start + 20, segment, start, TCP_CHECKSUM_AT)
with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as out:
    out.setsockopt(SOL_PACKET, PACKET_VNET_HDR, 1)
    out.bind((name, 0))
    out.send(header + ethernet + ip + tcp)
