# A daemon keeps memory in /dev/shm mapped after the file is gone.
# container: kept
import mmap
import os
import time

with open("/dev/shm/mapped", "w+b") as file:
    file.truncate(4 << 20)
    region = mmap.mmap(file.fileno(), 4 << 20)
region[:] = b"left" * (1 << 20)
if os.fork() == 0:
    os.setsid()
    os.unlink("/dev/shm/mapped")
    time.sleep(100)
