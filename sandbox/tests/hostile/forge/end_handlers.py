# Handlers at the end that do not end.
# outcome: timeout
# seconds: 0.3
import atexit
import time

atexit.register(time.sleep, 100)
