"""raw-send.py INTERFACE FRAME_HEX COUNT NUMBER_AT [PAUSE]: frames through the stack's transmit path.

Unlike send.mjs they pass the egress hooks of the interface, and may be longer than a page.
NUMBER_AT is where each frame carries its number (64 bit, little endian), -1 for nowhere.
PAUSE is the time between two of them, in seconds.
"""

import os
import socket
import struct
import sys
import time

name, frame, count, number_at = sys.argv[1], bytearray.fromhex(sys.argv[2]), *map(int, sys.argv[3:5])
pause = float(sys.argv[5]) if len(sys.argv) > 5 else 0
os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})  # one CPU: receivers keep the order
with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as out:
    out.bind((name, 0))
    for number in range(count):
        if number_at >= 0:
            struct.pack_into("<Q", frame, number_at, number)
        out.send(frame)
        if pause:
            time.sleep(pause)
