# Files that hold nothing, as many as can be made: more than can be wiped in good time.
import os

try:
    for number in range(21_000):
        os.close(os.open(f"/tmp/{number}", os.O_CREAT))
except OSError:
    pass
