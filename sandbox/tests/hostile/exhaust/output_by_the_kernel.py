# The kernel itself copies to the output.
# outcome: output_limit
import os

zero = os.open("/dev/zero", os.O_RDONLY)
while True:
    os.sendfile(1, zero, None, 1 << 20)
