# Takes the place of the endpoint for models, for itself or for who comes next.
# prints: end
import os
import socket

for option in (None, socket.SO_REUSEADDR, socket.SO_REUSEPORT):
    for family, host in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::")):
        with socket.socket(family) as own:
            if option:
                own.setsockopt(socket.SOL_SOCKET, option, 1)
            try:
                own.bind((host, 11411))
                own.listen()
            except OSError:
                continue
            if family == socket.AF_INET6 and own.getsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY):
                continue
            print("taken", option, host)
for fd in range(3, 200):
    try:
        if os.readlink(f"/proc/self/fd/{fd}").startswith("socket:"):
            name = socket.socket(fileno=os.dup(fd)).getsockname()
            if name:
                print("inherited", fd, name)
    except OSError:
        pass
print("end")
