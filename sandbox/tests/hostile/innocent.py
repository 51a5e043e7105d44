# A learner's program as the next run or a neighbour may be: answers its input and prints all that an earlier
# or a foreign run could have changed. On one engine it prints the same whenever and wherever it runs.
import builtins
import gc
import json
import os
import resource
import signal
import sys
import threading
import time


def listed(folder):
    return sorted(os.listdir(folder)) if os.path.isdir(folder) else None


def free(name):
    import socket

    with socket.socket(socket.AF_UNIX if isinstance(name, str) else socket.AF_INET) as server:
        try:
            server.bind(name)
        except OSError as error:
            return str(error)
    return True


def lockable(path):
    import fcntl

    with open(path) as file:
        for _ in range(20):  # another box may share the file, and have somebody in it who asks the same just now
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return True
            except OSError as error:
                why = str(error)
            time.sleep(0.05)
    return why


print("answer", input())
print("files", [listed(folder) for folder in ("/tmp", "/tmp/work", "/dev/shm", "/dev/mqueue", "/run", "/dev/pts")])
print("folders", [(os.stat(path).st_mode, os.listxattr(path)) for path in ("/tmp", "/dev/shm", "/tmp/work")])
others = {name for name in os.listdir("/proc") if name.isdigit()} - {"1", str(os.getpid())}
print("processes", sorted(name for name in others if "\nUid:\t0\t0\t0" not in open(f"/proc/{name}/status").read()))
print("objects", [len(open(f"/proc/sysvipc/{kind}").readlines()) for kind in ("shm", "sem", "msg")])
print("sockets", len(open("/proc/net/unix").readlines()), len(open("/proc/net/tcp").readlines()))
print("flows", open("/proc/net/ip6_flowlabel").readlines()[1:] if os.path.exists("/proc/net/ip6_flowlabel") else None)
print("names", all(free(f"\0left-{number}") is True for number in range(20)), free(("127.0.0.1", 8000)))
print("locks", lockable(os.__file__), lockable("/etc/passwd") if os.path.exists("/etc/passwd") else None)
print("environment", sorted(os.environ.items()))
print("python", sys.path, sys.getrecursionlimit(), hasattr(builtins, "left"), hasattr(json, "left"), "left" in sys.modules)
print("values", json.dumps({"a": [1, 2.5, None]}), 2 + 2, 255 + 1, "é".upper(), hasattr(str, "left"), len(vars(builtins)))
print("modules", len(sys.modules), threading.active_count(), gc.isenabled(), gc.get_threshold())
print("process", os.getcwd(), os.umask(0o22), os.nice(0), sorted(os.sched_getaffinity(0)), os.getgroups())
print("limits", [resource.getrlimit(which)[0] for which in (resource.RLIMIT_NOFILE, resource.RLIMIT_STACK)])
print("signals", signal.pthread_sigmask(signal.SIG_BLOCK, []), signal.getitimer(signal.ITIMER_REAL), signal.alarm(0))
print("handlers", [number for number in range(1, 65) if number not in (2, 13, 25) and signal.getsignal(number)])
print("victim", open("/proc/self/oom_score_adj").read().strip(), len(os.listdir("/proc/self/fd")))
