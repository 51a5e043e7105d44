# Device nodes, made and found.
# prints: end
import os
import stat

for kind, number in ((stat.S_IFBLK, (8, 0)), (stat.S_IFCHR, (1, 1)), (stat.S_IFCHR, (10, 200))):
    for folder in ("/tmp", "/dev/shm", "/dev"):
        try:
            os.mknod(f"{folder}/device", 0o600 | kind, os.makedev(*number))
            print("made", folder, number)
        except OSError:
            pass
HARMLESS = {"null", "zero", "full", "random", "urandom", "tty", "ptmx", "console"}
for folder, _, names in os.walk("/dev"):
    for name in names:
        status = os.stat(f"{folder}/{name}", follow_symlinks=False)
        if stat.S_ISBLK(status.st_mode) or (stat.S_ISCHR(status.st_mode) and name not in HARMLESS):
            if "/pts" not in folder:
                print("found", folder, name)
print("end")
