# The same with sockets.
# outcome: ok or memory
import socket

pairs = []
try:
    while True:
        pair = socket.socketpair()
        pair[0].setblocking(False)
        pair[0].setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 30)
        pairs.append(pair)
        try:
            while True:
                pair[0].send(bytes(65536))
        except BlockingIOError:
            pass
except OSError:
    pass
