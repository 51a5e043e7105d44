# Adopts the orphans of its family, and asks for news of its parent's death.
# container: kept
import ctypes
import os
import signal
import time

libc = ctypes.CDLL(None)
libc.prctl(36, 1, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER
libc.prctl(1, signal.SIGUSR1, 0, 0, 0)  # PR_SET_PDEATHSIG
signal.signal(signal.SIGUSR1, signal.SIG_IGN)
for _ in range(5):
    if os.fork() == 0:
        if os.fork() == 0:
            time.sleep(100)
        os._exit(0)
