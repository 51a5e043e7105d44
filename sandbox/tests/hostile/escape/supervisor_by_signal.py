# Every signal, by every call that sends one.
# prints: end
import ctypes
import os
import signal
import time

libc = ctypes.CDLL(None)
PIDFD_SEND_SIGNAL, TGKILL = 424, {"x86_64": 234, "aarch64": 131}[os.uname().machine]
pidfd = os.pidfd_open(1)
for number in [*range(1, 20), *range(32, 65)]:
    for how, send in {
        "kill": lambda: libc.kill(1, number),
        "tgkill": lambda: libc.syscall(TGKILL, 1, 1, number),
        "sigqueue": lambda: libc.sigqueue(1, number, None),
        "pidfd": lambda: libc.syscall(PIDFD_SEND_SIGNAL, pidfd, number, None, 0),
    }.items():
        if send() == 0:
            print("sent", number, how)
time.sleep(0.01)
print("end")
