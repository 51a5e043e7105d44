# Becomes a program that lies in no file. It has no more rights than before.
# prints: 0000000000000000 1 2
import os
import subprocess
import sys

look = "s = dict(l.split(':', 1) for l in open('/proc/self/status')); "
look += "print(*(s[name].strip() for name in ('CapEff', 'NoNewPrivs', 'Seccomp')))"
file = os.memfd_create("program")
with open("/bin/cat", "rb") as cat:
    os.write(file, cat.read())
status = subprocess.run(
    [f"/proc/self/fd/{file}", "/proc/self/status"], pass_fds=[file], capture_output=True, text=True
).stdout
found = dict(line.split(":", 1) for line in status.splitlines())
print(*(found[name].strip() for name in ("CapEff", "NoNewPrivs", "Seccomp")))
