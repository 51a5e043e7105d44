# Children end as fast as they can be made: each wakes whoever has to reap.
# outcome: timeout
# seconds: 0.3
import os

while True:
    if os.fork() == 0:
        if os.fork() == 0:
            os._exit(0)
        os._exit(0)
    os.wait()
