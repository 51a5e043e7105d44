# Pipes that do not block, of another size, in packet mode, with a reader of the program's own.
# prints: end
import fcntl
import os

for fd in range(3):
    for size in (4096, 1 << 20):
        fcntl.fcntl(fd, fcntl.F_SETPIPE_SZ, size)
    fcntl.fcntl(fd, fcntl.F_SETFL, os.O_NONBLOCK | os.O_DIRECT | os.O_APPEND)
try:
    os.open("/proc/self/fd/1", os.O_RDONLY | os.O_NONBLOCK)
    print("reads its own output")
except PermissionError:
    pass
os.write(1, b"end\n")
