"""tun-cable.py NETNS_A NAME_A NETNS_B NAME_B: a TUN interface in each of two network namespaces, and a cable between
them that takes super-frames and unfinished checksums as they are. At the end of standard input it prints the longest
packet from A and from B."""
import ctypes
import fcntl
import os
import struct
import sys
import threading

TUNSETIFF, TUNSETOFFLOAD = 0x400454CA, 0x400454D0
IFF_TUN, IFF_NO_PI, IFF_VNET_HDR = 1, 0x1000, 0x4000
TUN_F_CSUM, TUN_F_TSO4, TUN_F_TSO6 = 1, 2, 4
VNET_HDR_LEN = 10

libc = ctypes.CDLL(None, use_errno=True)


def open_tun(netns, name):
    with open(f"/run/netns/{netns}") as there:
        if libc.setns(there.fileno(), 0):
            raise OSError(ctypes.get_errno(), "setns")
    tun = os.open("/dev/net/tun", os.O_RDWR)
    flags = IFF_TUN | IFF_NO_PI | IFF_VNET_HDR
    fcntl.ioctl(tun, TUNSETIFF, struct.pack("16sH22x", name.encode(), flags))
    fcntl.ioctl(tun, TUNSETOFFLOAD, TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6)
    return tun


ends = [open_tun(*sys.argv[1:3]), open_tun(*sys.argv[3:5])]
longest = [0, 0]


def carry(number):
    while True:
        packet = os.read(ends[number], 70_000)
        longest[number] = max(longest[number], len(packet) - VNET_HDR_LEN)
        os.write(ends[1 - number], packet)


for number in range(2):
    threading.Thread(target=carry, args=[number], daemon=True).start()
print("ready", flush=True)
sys.stdin.read()
print("longest", *longest, flush=True)
