# What an earlier run or the platform could have left in memory that is handed out again.
# prints: end
import ctypes
import mmap

fresh = mmap.mmap(-1, 8 << 20)
if fresh.read().strip(b"\0"):
    print("memory that was not empty")
libc = ctypes.CDLL(None)
print("end")
