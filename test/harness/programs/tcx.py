"""tcx.py IFINDEX: ids of the tcx programs on an interface, as the kernel itself lists them."""

import ctypes
import json
import platform
import struct
import sys

SYS_BPF = {"x86_64": 321, "aarch64": 280, "riscv64": 280}[platform.machine()]
BPF_PROG_QUERY = 16
BPF_TCX_INGRESS, BPF_TCX_EGRESS = 46, 47
MOST = 64

libc = ctypes.CDLL(None, use_errno=True)


def programs(ifindex: int, attach_type: int) -> list[int]:
    ids = (ctypes.c_uint32 * MOST)()
    # target_ifindex, attach_type, query_flags, attach_flags, prog_ids, count, pad,
    # prog_attach_flags, link_ids, link_attach_flags, revision
    attr = bytearray(struct.pack("=IIIIQIIQQQQ", ifindex, attach_type, 0, 0,
                                 ctypes.addressof(ids), MOST, 0, 0, 0, 0, 0))
    buffer = (ctypes.c_char * len(attr)).from_buffer(attr)
    if libc.syscall(SYS_BPF, BPF_PROG_QUERY, buffer, len(attr)):
        raise OSError(ctypes.get_errno(), "BPF_PROG_QUERY")
    return list(ids)[: struct.unpack_from("=I", attr, 24)[0]]


ifindex = int(sys.argv[1])
print(json.dumps({"rx": programs(ifindex, BPF_TCX_INGRESS), "tx": programs(ifindex, BPF_TCX_EGRESS)}))
