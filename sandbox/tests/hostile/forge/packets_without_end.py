# Says without end that it waits for input: nobody gets tired of it but the clock.
# outcome: timeout
# seconds: 0.3
# stdin: open
import os
import socket
import struct

(fd,) = (fd for fd in range(3, 300) if "socket" in os.path.realpath(f"/proc/self/fd/{fd}"))
packets = socket.socket(fileno=fd)
while True:
    packets.send(struct.pack("=BQ", 16, 0))
