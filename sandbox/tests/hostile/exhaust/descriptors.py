# Opens files until no more can be.
# prints: Too many open files
import os

try:
    while True:
        os.open("/dev/null", os.O_RDONLY)
except OSError as error:
    print(os.strerror(error.errno))
