# Files wherever files can be made, and some that cannot be read.
# container: kept
import os

for folder in ("/tmp", "/dev/shm", ".", "/dev/mqueue", "/var/tmp", "/run"):
    try:
        os.makedirs(f"{folder}/left/a/b")
        open(f"{folder}/left/a/file", "w").write("left")
        os.chmod(f"{folder}/left/a/file", 0)
    except OSError:
        pass
