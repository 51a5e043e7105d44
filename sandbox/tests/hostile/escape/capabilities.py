# Every capability, by capset and as an ambient one.
# prints: end
import ctypes

libc = ctypes.CDLL(None, use_errno=True)
header = (ctypes.c_uint32 * 2)(0x20080522, 0)
wanted = (ctypes.c_uint32 * 6)(*[0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0x1FF, 0x1FF, 0x1FF])
if libc.capset(header, wanted) == 0:
    print("capset")
PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE = 47, 2
for capability in range(41):
    if libc.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability, 0, 0) == 0:
        print("ambient", capability)
PR_SET_NO_NEW_PRIVS, PR_SET_SECUREBITS, PR_SET_SECCOMP = 38, 28, 22
for option, value in ((PR_SET_NO_NEW_PRIVS, 0), (PR_SET_SECUREBITS, 0x2F), (PR_SET_SECCOMP, 0)):
    if libc.prctl(option, value, 0, 0, 0) == 0:
        print("prctl", option)
print("end")
