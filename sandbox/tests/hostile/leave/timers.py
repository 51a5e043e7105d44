# Timers of every kind, in a process that has become another program.
# container: kept
import os
import signal
import subprocess

signal.setitimer(signal.ITIMER_REAL, 1000)
signal.setitimer(signal.ITIMER_PROF, 1000)
signal.alarm(1000)
subprocess.Popen(["sleep", "1000"], start_new_session=True)
