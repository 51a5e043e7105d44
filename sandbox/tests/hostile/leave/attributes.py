# Marks on what stays: modes, owners, times, attributes, access lists.
# prints: end
# container: kept
import ctypes
import fcntl
import os
import struct

for path in ("/tmp", "/dev/shm", "/", "/opt/supervisor", "/etc"):
    attempts = {
        "mode": lambda: os.chmod(path, 0o700),
        "owner": lambda: os.chown(path, os.getuid(), -1),
        "time": lambda: os.utime(path, (1, 1)),
        "attribute": lambda: os.setxattr(path, "user.left", b"left"),
        "list": lambda: os.setxattr(path, "system.posix_acl_access", bytes(28)),
        "flags": lambda: fcntl.ioctl(os.open(path, os.O_RDONLY), 0x40086602, struct.pack("l", 0x10)),
    }
    for name, attempt in attempts.items():
        try:
            attempt()
            print("left", name, "on", path)
        except OSError:
            pass
try:
    file = os.open("/tmp/fixed", os.O_CREAT | os.O_RDWR)
    fcntl.ioctl(file, 0x40086602, struct.pack("l", 0x10 | 0x20))  # immutable, append only
    print("immutable")
except OSError:
    pass
print("end")
