"""raw-send-all.py INTERFACE FRAME_HEX...: each frame once, through the stack's transmit path."""

import os
import socket
import sys

os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})  # one CPU: receivers keep the order
with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as out:
    out.bind((sys.argv[1], 0))
    for frame in sys.argv[2:]:
        out.send(bytes.fromhex(frame))
