# Input for output, output for input, and the packets' end over all of them.
# outcome: failed
# code: 6
import os

os.dup2(1, 0)
os.dup2(0, 1)
for fd in range(3, 300):
    try:
        os.dup2(fd, 1)
        os.dup2(fd, 2)
        os.shutdown = None
    except OSError:
        pass
os.write(1, b"x")
os._exit(6)
