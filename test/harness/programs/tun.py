"""tun.py NAME: a TUN interface. Writes each line of standard input (hexadecimal) to it, as if a peer had
sent it, and prints what the host sends."""
import fcntl
import os
import struct
import sys
import threading

TUNSETIFF = 0x400454CA
IFF_TUN, IFF_NO_PI = 1, 0x1000

tun = os.open("/dev/net/tun", os.O_RDWR)
fcntl.ioctl(tun, TUNSETIFF, struct.pack("16sH22x", sys.argv[1].encode(), IFF_TUN | IFF_NO_PI))


def receive():
    while True:
        print(os.read(tun, 65536).hex(), flush=True)


threading.Thread(target=receive, daemon=True).start()
print("ready", flush=True)
for line in sys.stdin:
    os.write(tun, bytes.fromhex(line))
