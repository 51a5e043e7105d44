# Locks and leases on files that everybody shares, held by a daemon.
# container: kept
import fcntl
import os
import time

kept = []
for path in ("/etc/passwd", os.__file__, "/tmp", "/dev/shm", "/dev/null"):
    try:
        file = os.open(path, os.O_RDONLY)
        kept.append(file)
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_RDLCK)
    except OSError:
        pass
if os.fork() == 0:
    os.setsid()
    time.sleep(100)
