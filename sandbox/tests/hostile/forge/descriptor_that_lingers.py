# Passes a connection whose close waits for an hour, and leaves the closing to the supervisor.
# outcome: ok or timeout
# seconds: 0.3
import array
import os
import socket
import struct

server = socket.create_server(("127.0.0.1", 0))
client = socket.create_connection(server.getsockname())
peer, _ = server.accept()
client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 3600))
client.setblocking(False)
try:
    while True:
        client.send(bytes(65536))
except BlockingIOError:
    pass
for fd in range(3, 300):
    if "socket" in os.path.realpath(f"/proc/self/fd/{fd}") and fd not in (
        server.fileno(), client.fileno(), peer.fileno()
    ):  # fmt: skip
        packets = socket.socket(fileno=os.dup(fd))
        rights = (socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [client.fileno()]))
        packets.sendmsg([struct.pack("=BQ", 15, 0)], [rights])
os._exit(0)
