# Takes the endpoint's port in the moment in which process 1 lets go of what waits there: says that it is done, and
# goes on trying, in machine code.
# outcome: failed
# container: kept
import ctypes
import mmap
import os
import platform
import socket
import struct
import sys
import threading
import time

if platform.machine() != "x86_64":
    sys.exit(1)

ENDPOINT = ("127.0.0.1", 11411)
DONE, PACKETS = 19, 100  # as the supervisor's own code in here would say it
held = []
for number in range(64):  # as many as it takes at once, each with half a request
    caller = socket.create_connection(ENDPOINT)
    caller.send(b"GET /x HTTP/1.1\r\nHost: a\r\nX: ")
    held.append(caller)
time.sleep(0.1)
for number in range(70):  # and those that wait to be taken
    caller = socket.socket()
    caller.setblocking(False)
    try:
        caller.connect(ENDPOINT)
    except BlockingIOError:
        pass
    held.append(caller)
time.sleep(0.05)

address = ctypes.create_string_buffer(struct.pack(">H", 11411).rjust(4, b"\0") + socket.inet_aton("127.0.0.1") + bytes(8))
ctypes.memmove(address, struct.pack("=H", socket.AF_INET), 2)


def taking(descriptor):
    """Machine code: bind until it works, then listen."""
    start = b"\x48\xc7\xc0\x31\0\0\0" + b"\x48\xc7\xc7" + struct.pack("<I", descriptor)
    start += b"\x48\xbe" + struct.pack("<Q", ctypes.addressof(address)) + b"\x48\xc7\xc2\x10\0\0\0\x0f\x05\x48\x85\xc0"
    again = b"\x75" + struct.pack("b", -len(start) - 2)
    return start + again + b"\x48\xc7\xc0\x32\0\0\0\x48\xc7\xc6\x01\0\0\0\x0f\x05\xc3"


def take():
    taker = socket.socket()
    taker.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    page = mmap.mmap(-1, 4096, prot=7)
    page.write(taking(taker.fileno()))
    ctypes.CFUNCTYPE(ctypes.c_long)(ctypes.addressof(ctypes.c_char.from_buffer(page)))()
    time.sleep(5)


threading.Thread(target=take, daemon=True).start()
time.sleep(0.02)
now = time.monotonic_ns()
os.write(PACKETS, struct.pack("=BIIQQ", DONE, 0, 0, now, now) + b"\x01")
time.sleep(5)
