# Calls by the numbers of the x32 interface, which name the same doors.
# prints: end
import ctypes
import os

if os.uname().machine == "x86_64":
    for number in (39, 101, 165, 272, 521):
        if ctypes.CDLL(None).syscall(0x40000000 + number, 0, 0, 0, 0, 0) != -1:
            print("x32", number)
print("end")
