# Fills both places that can be written to; neither takes more than its size.
# prints: full full
# container: kept
import os


def fill(path):
    written = 0
    with open(path, "wb", buffering=0) as file:
        try:
            while written < 64 << 20:
                written += file.write(bytes(1 << 20))
        except OSError:
            return "full"
    return written


print(fill("/tmp/big"), fill("/dev/shm/big"))
