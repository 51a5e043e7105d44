# Signals that wait are counted for a user: as many as are allowed.
import ctypes
import os
import signal

signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))
libc = ctypes.CDLL(None)
for _ in range(200_000):
    if libc.sigqueue(os.getpid(), signal.SIGRTMIN, None) != 0:
        break
