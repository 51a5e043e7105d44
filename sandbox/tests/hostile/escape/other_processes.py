# Anybody else in /proc, or by trying every number, but the supervisor's own.
# prints: end
import os

seen = {name for name in os.listdir("/proc") if name.isdigit()}
for pid in range(2, 5000):
    try:
        os.kill(pid, 0)
        seen.add(str(pid))
    except ProcessLookupError:
        pass
    except PermissionError:
        seen.add(str(pid))
others = seen - {"1", str(os.getpid())}
if others := [pid for pid in others if "\nUid:\t0\t0\t0" not in open(f"/proc/{pid}/status").read()]:
    print("saw", others)
print("end")
