# Shuts the packet socket for both directions and goes on printing.
# outcome: failed or ok
import os
import socket

for fd in range(3, 300):
    try:
        socket.socket(fileno=os.dup(fd)).shutdown(socket.SHUT_RDWR)
    except OSError:
        continue
os.write(1, b"by the pipe\n")
print("by the socket")
