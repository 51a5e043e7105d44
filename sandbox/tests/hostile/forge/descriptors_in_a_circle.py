# Sockets sent through themselves: nobody holds them, and they live until the kernel looks. One has a name.
# container: kept
import array
import socket

for number in range(20):
    server = socket.socket(socket.AF_UNIX)
    server.bind(f"\0left-{number}")
    server.listen()
    left, right = socket.socketpair()
    rights = array.array("i", [left.fileno(), right.fileno(), server.fileno()])
    left.sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, rights)])
