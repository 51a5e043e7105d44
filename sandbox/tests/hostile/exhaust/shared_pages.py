# Memory that counts for nobody in particular: shared and anonymous.
# outcome: memory
import mmap

region = mmap.mmap(-1, 1 << 28)
for page in range(0, len(region), 4096):
    region[page] = 1
