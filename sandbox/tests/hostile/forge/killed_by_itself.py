# Ends by the signal that usually means: out of memory.
# outcome: failed
import os
import signal

os.kill(os.getpid(), signal.SIGKILL)
