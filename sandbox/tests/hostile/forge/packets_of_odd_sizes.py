# Shorter than a header, empty, and larger than the largest.
import os
import socket

for fd in range(3, 300):
    try:
        packets = socket.socket(fileno=os.dup(fd))
    except OSError:
        continue
    for size in (1, 8, 9, 10, 16 * 1024 + 9, 16 * 1024 + 10, 150_000):
        try:
            packets.send(bytes(size))
        except OSError:
            pass
    for size in (8, 9, 150_000):
        packets.send(b"\xff" * size)
