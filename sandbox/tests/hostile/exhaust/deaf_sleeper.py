# Sleeps, ignores every signal that can be ignored and blocks the rest.
# outcome: timeout
# seconds: 0.3
import signal
import time

for number in range(1, 65):
    try:
        signal.signal(number, signal.SIG_IGN)
    except (OSError, ValueError):
        pass
signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))
time.sleep(100)
