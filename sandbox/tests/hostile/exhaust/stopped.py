# Stops itself, so that it neither runs nor ends.
# outcome: timeout
# seconds: 0.3
import os
import signal

os.kill(os.getpid(), signal.SIGSTOP)
