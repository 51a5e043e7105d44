# Links to what lies outside: hard ones would keep it, and a way up by a descriptor.
# prints: end
import os

for target in ("/etc/passwd", "/proc/1/exe", "/usr/bin/env", "/proc/self/exe"):
    try:
        os.link(target, "/tmp/link", follow_symlinks=True)
        print("linked", target)
    except OSError:
        pass
root = os.open("/", os.O_RDONLY)
for _ in range(50):
    root = os.open("..", os.O_RDONLY, dir_fd=root)
if os.fstat(root).st_ino != os.stat("/").st_ino or os.path.exists("/home/.") or os.path.exists("/etc/shadow-"):
    if os.listdir("/home") if os.path.exists("/home") else []:
        print("outside")
print("end")
