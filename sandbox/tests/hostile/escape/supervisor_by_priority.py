# Slows the supervisor down, pins it, limits it, or moves itself in front of it.
# prints: end
import ctypes
import os
import resource

attempts = {
    "nice 1": lambda: os.setpriority(os.PRIO_PROCESS, 1, 19),
    "nice the group of 1": lambda: os.setpriority(os.PRIO_PGRP, 1, 19),
    "faster": lambda: os.nice(-1),
    "fifo": lambda: os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1)),
    "fifo 1": lambda: os.sched_setscheduler(1, os.SCHED_IDLE, os.sched_param(0)),
    "affinity": lambda: os.sched_setaffinity(1, {0}),
    "prlimit": lambda: resource.prlimit(1, resource.RLIMIT_NOFILE, (3, 3)),
    "read prlimit": lambda: resource.prlimit(1, resource.RLIMIT_CPU),
    "victim": lambda: open("/proc/self/oom_score_adj", "w", buffering=1).write("-1000\n"),
}
for name, attempt in attempts.items():
    try:
        attempt()
        print("could", name)
    except OSError:
        pass
IOPRIO_SET = {"x86_64": 251, "aarch64": 30}[os.uname().machine]
for target in (0, 1):
    if ctypes.CDLL(None).syscall(IOPRIO_SET, 1, target, 1 << 13) == 0:
        print("real-time disk access for", target)
print("end")
