# Claims, by every packet and frame there is, to have run out of memory. It ended well, so that is ignored.
# prints: end
import os
import socket
import struct

for fd in range(3, 300):
    try:
        packets = socket.socket(fileno=os.dup(fd))
    except OSError:
        continue
    for tag in (15, 17, 18):
        packets.send(struct.pack("=BQ", tag, 0))
print("end")
