# A timer set before another program is started ends that program.
# outcome: failed
import os
import signal

signal.setitimer(signal.ITIMER_REAL, 0.1)
os.execv("/bin/sleep", ["sleep", "60"])
