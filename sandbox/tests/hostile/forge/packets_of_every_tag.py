# Every packet that the supervisor knows, and those it does not. The program's end alone is its outcome.
# outcome: failed
# code: 5
import os
import socket
import struct

for fd in range(3, 300):
    try:
        packets = socket.socket(fileno=os.dup(fd))
    except OSError:
        continue
    for tag in set(range(256)) - {17, 18, 128 + 17, 128 + 18}:  # those two only name a cause of failure
        packets.send(struct.pack("=BQ", tag, 2**64 - 1) + b"[packet]")
os._exit(5)
