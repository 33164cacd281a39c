"""raw-send.py INTERFACE FRAME_HEX COUNT NUMBER_AT: frames through the stack's transmit path.

Unlike send.mjs they pass the egress hooks of the interface, and may be longer than a page.
NUMBER_AT is where each frame carries its number (64 bit, little endian), -1 for nowhere.
"""

import socket
import struct
import sys

name, frame, count, number_at = sys.argv[1], bytearray.fromhex(sys.argv[2]), *map(int, sys.argv[3:])
with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as out:
    out.bind((name, 0))
    for number in range(count):
        if number_at >= 0:
            struct.pack_into("<Q", frame, number_at, number)
        out.send(frame)
