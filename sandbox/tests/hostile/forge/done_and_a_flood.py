# Says that it is done, alone, so that its last output is taken while it lives, and writes without an end.
# outcome: ok or output_limit
import os
import socket
import struct

packets = socket.socket(fileno=os.dup(100))
packets.send(struct.pack("=BIIQQB", 19, 0, 0, 0, 0, 0))
while True:
    packets.send(struct.pack("=BIIQQ", 0, 0, 0, 0, 0) + b"more\n")
    os.write(2, b"and more\n")
