# Crashes, so that a dump is written or handed to whatever the host has for dumps.
# prints: end
import ctypes
import os
import resource

try:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a limit of 0 holds for files, not for a handler
    print("limit changed")
except (OSError, ValueError):
    pass
children = [os.fork() for _ in range(3)]
if 0 in children:
    ctypes.string_at(0)
for child in children:
    _, status = os.waitpid(child, 0)
    if os.WCOREDUMP(status):
        print("dumped")
print("end")
