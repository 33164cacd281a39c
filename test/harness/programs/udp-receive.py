"""udp-receive.py PORT COUNT: takes COUNT datagrams, then says how often it got which payload."""

import collections
import json
import socket
import sys

SO_RCVBUFFORCE = 33

port, count = map(int, sys.argv[1:])
seen: collections.Counter[str] = collections.Counter()
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
    receiver.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 64 << 20)
    receiver.bind(("", port))
    print("listening", flush=True)
    for _ in range(count):
        seen[receiver.recv(65536).hex()] += 1
print(json.dumps(seen))
