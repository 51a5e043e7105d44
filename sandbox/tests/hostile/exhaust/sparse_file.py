# A file of a terabyte that takes no room.
# prints: File too large
import os

try:
    os.truncate(os.open("/tmp/sparse", os.O_CREAT | os.O_RDWR), 1 << 40)
    print("made")
except OSError as error:
    print(os.strerror(error.errno))
