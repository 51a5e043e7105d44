# A packet of no bytes looks like the end: whoever sends it will not be heard any more, nor kept waiting for.
# outcome: failed or timeout
# seconds: 0.3
import os
import socket

for fd in range(3, 300):
    try:
        socket.socket(fileno=os.dup(fd)).send(b"")
    except OSError:
        continue
while True:
    print("nobody listens")
