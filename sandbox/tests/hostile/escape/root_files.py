# A place to write to, anywhere but in the folders made for it.
# prints: end
import os

OWN = {"/tmp", "/dev/shm", "/dev/mqueue", "/proc", "/sys", "/dev/pts"}
for folder, folders, names in os.walk("/"):
    if folder in OWN or folder.count("/") > 3:  # deeper ones are in the same read-only file system
        folders[:] = []
        continue
    for path in (folder, *(f"{folder}/{name}" for name in names[:100])):
        if os.access(path, os.W_OK) and not os.path.islink(path) and not path.startswith("/dev/"):
            print("writable", path)
print("end")
