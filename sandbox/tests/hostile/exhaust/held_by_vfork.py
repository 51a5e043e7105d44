# Waits in the kernel for a child that shares its memory and never goes on.
# outcome: timeout
# seconds: 0.3
import ctypes
import os
import time

CLONE_VM, CLONE_VFORK, SIGCHLD = 0x100, 0x4000, 17
clone = {"x86_64": 56, "aarch64": 220}[os.uname().machine]
if ctypes.CDLL(None).syscall(clone, CLONE_VM | CLONE_VFORK | SIGCHLD, 0, 0, 0, 0) == 0:
    time.sleep(100)
