"""raw-send-all.py INTERFACE FRAME_HEX...: each frame once, through the stack's transmit path."""

import socket
import sys

with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as out:
    out.bind((sys.argv[1], 0))
    for frame in sys.argv[2:]:
        out.send(bytes.fromhex(frame))
