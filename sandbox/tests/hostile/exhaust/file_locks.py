# Thousands of locks on single bytes.
import fcntl

file = open("/tmp/locked", "w")
try:
    for start in range(0, 4_000, 2):
        fcntl.lockf(file, fcntl.LOCK_EX, 1, start)
except OSError:
    pass
