# Pipes, sockets, links to everything, holes: what a wipe must not follow, open or wait for.
# container: kept
import os
import socket

for folder in ("/tmp", "/dev/shm", "/tmp/work"):
    os.chdir(folder)
    os.mkfifo("fifo", 0)
    os.symlink("/", "root")
    os.symlink("loop", "loop")
    os.symlink("/proc/1/fd/1", "stream")
    os.symlink("x" * 4000, "long")
    open("one", "w").close()
    for number in range(50):
        os.link("one", f"link-{number}")
    os.truncate("one", 1 << 20)
    server = socket.socket(socket.AF_UNIX)
    server.bind("socket")
