# Says that it is done with an exit code of its choice, again and again, and in words too short.
# outcome: failed
# code: 7
# prints: end
# container: kept
import os
import socket
import struct
import time

print("end")
packets = socket.socket(fileno=os.dup(100))
packets.send(struct.pack("=BIIQQ", 19, 0, 0, 0, 0))
packets.send(b"\x13")
for code in (7, 0, 1):
    try:
        packets.send(struct.pack("=BIIQQB", 19, 0, 0, 0, 0, code))
    except OSError:
        pass
time.sleep(60)
