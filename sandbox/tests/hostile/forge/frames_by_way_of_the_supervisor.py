# The supervisor's own stream, looked for under every name it could have.
# prints: end
import glob
import os

names = glob.glob("/proc/1/fd/*") + [f"/proc/1/{kind}/{fd}" for kind in ("fd", "task/1/fd") for fd in range(300)]
for name in [*names, "/dev/console", "/dev/stdout", "/proc/self/task/1/fd/1"]:
    for mode in (os.O_RDONLY, os.O_WRONLY, os.O_PATH):
        try:
            fd = os.open(name, mode | os.O_NONBLOCK)
        except OSError:
            continue
        if os.fstat(fd).st_ino != os.fstat(1).st_ino or name.startswith("/proc/1/"):
            print("opened", name, mode)
print("end")
