# Types into terminals: those it was given, the supervisor's, and one of its own.
# prints: end
import fcntl
import os
import termios

for name in (0, 1, 2, "/dev/tty", "/dev/console", "/dev/pts/0", "/proc/1/fd/0"):
    try:
        fd = name if isinstance(name, int) else os.open(name, os.O_RDWR)
        for byte in b"id\n":
            fcntl.ioctl(fd, termios.TIOCSTI, bytes([byte]))
        print("typed into", name)
    except OSError:
        pass
for _ in range(20):
    os.openpty()
print("end")
