# Reads a device that never ends.
# outcome: memory
open("/dev/zero", "rb").read()
