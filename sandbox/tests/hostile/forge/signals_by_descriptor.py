# Has the kernel signal the supervisor whenever a pipe becomes ready.
# prints: end
import fcntl
import os
import signal

for fd in range(3):
    for owner in (1, -1):
        try:
            fcntl.fcntl(fd, fcntl.F_SETOWN, owner)
            fcntl.fcntl(fd, 10, signal.SIGKILL)  # F_SETSIG
            fcntl.fcntl(fd, fcntl.F_SETFL, os.O_ASYNC)
        except OSError:
            pass
os.write(1, b"")
print("end")
