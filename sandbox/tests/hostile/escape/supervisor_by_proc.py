# Reads and writes the supervisor through every file that /proc has about it.
# prints: end
import os

for name in "environ mem maps smaps auxv cwd root stack syscall pagemap io map_files timers personality".split():
    path = f"/proc/1/{name}"
    for look in (lambda path: open(path, "rb").read(64), os.listdir, os.readlink):
        try:
            if look(path):
                print("read", path)
        except OSError:
            pass
for folder in ("/proc/1/fd", "/proc/1/fdinfo", "/proc/1/ns", "/proc/1/map_files"):
    try:
        for name in os.listdir(folder):
            print("link", os.readlink(f"{folder}/{name}"))
    except OSError:
        pass
for name in "mem oom_score_adj comm clear_refs coredump_filter uid_map gid_map setgroups attr/current loginuid sched".split():
    try:
        with open(f"/proc/1/{name}", "wb", buffering=0) as file:
            file.write(b"0")
        print("wrote", name)
    except OSError:
        pass
print("end")
