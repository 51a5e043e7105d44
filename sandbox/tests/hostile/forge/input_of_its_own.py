# Fills its own input from the other side, so that nobody else could write to it. The pipe is not its own.
# stdin: open
# prints: end
import os

try:
    os.open("/proc/self/fd/0", os.O_WRONLY | os.O_NONBLOCK)
    print("opened")
except PermissionError:
    print("end")
