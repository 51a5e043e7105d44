# System V and POSIX objects, which outlive their maker, and a queue by way of its file system.
# prints: end
# container: kept
import ctypes
import os

libc = ctypes.CDLL(None)
IPC_CREAT = 0o1777
for name, arguments in {
    "shmget": (1, 4096, IPC_CREAT),
    "semget": (1, 1, IPC_CREAT),
    "msgget": (1, IPC_CREAT),
    "mq_open": (b"/left", os.O_CREAT | os.O_RDWR, 0o666, None),
}.items():
    if getattr(libc, name)(*arguments) != -1:
        print("made by", name)
try:
    os.close(os.open("/dev/mqueue/left", os.O_CREAT | os.O_RDWR))
    print("made a queue")
except OSError:
    pass
print("end")
