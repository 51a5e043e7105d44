# Uses up what the kernel counts for a user, not for a container: instances and watches.
import ctypes
import os

libc = ctypes.CDLL(None)
instances = [libc.inotify_init() for _ in range(300)]
watched = [folder for folder, _, _ in os.walk("/usr/lib")][:2000]
for path in watched:
    libc.inotify_add_watch(instances[0], path.encode(), 2)
