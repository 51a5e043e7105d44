# The same wherever anything is open, as a write and as a message, whole and in pieces.
# outcome: failed
# code: 9
import json
import os
import socket
import struct

payload = json.dumps({"clean": True, "why": ""}).encode()
frames = b"".join(struct.pack(">IBQ", len(payload), kind, 0) + payload for kind in (128, 129, 133, 134, 135))


def send(fd, data):
    socket.socket(fileno=os.dup(fd)).send(data)


for fd in range(4096):
    for say in (os.write, send):
        for data in (frames, frames[:20], frames[20:], b"", bytes(range(256))):
            try:
                say(fd, data)
            except OSError:
                pass
os._exit(9)
