# Sets the clock.
# prints: end
import ctypes
import time

for clock in (time.CLOCK_REALTIME, time.CLOCK_MONOTONIC, 11):
    try:
        time.clock_settime(clock, 0)
        print("set", clock)
    except OSError:
        pass
libc = ctypes.CDLL(None)
for name in ("settimeofday", "adjtimex", "ntp_adjtime"):
    if getattr(libc, name)(bytes(256), None) != -1:
        print(name)
print("end")
