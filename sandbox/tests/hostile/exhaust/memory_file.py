# A file in memory, out of the reach of the limits of /tmp.
# outcome: memory
import os

file = os.memfd_create("bomb")
while True:
    os.write(file, bytes(1 << 20))
