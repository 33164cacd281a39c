"""run-statistics.py: the kernel counts how often BPF programs run, until this process ends."""

import ctypes
import platform
import signal
import struct

SYS_BPF = {"x86_64": 321, "aarch64": 280, "riscv64": 280}[platform.machine()]
BPF_ENABLE_STATS = 32
BPF_STATS_RUN_TIME = 0

libc = ctypes.CDLL(None, use_errno=True)
attr = ctypes.create_string_buffer(struct.pack("=I", BPF_STATS_RUN_TIME))
if libc.syscall(SYS_BPF, BPF_ENABLE_STATS, attr, 4) < 0:
    raise OSError(ctypes.get_errno(), "BPF_ENABLE_STATS")
print("on", flush=True)
signal.pause()
