# Overwrites the program that is running, the supervisor's or its own, through /proc.
# prints: end
import os

for path in ("/proc/self/exe", "/proc/1/exe", "/opt/supervisor/service.py", os.__file__, os.path.realpath("/proc/self/exe")):
    for flags in (os.O_WRONLY, os.O_RDWR, os.O_WRONLY | os.O_TRUNC):
        try:
            os.close(os.open(path, flags))
            print("opened", path)
        except OSError:
            pass
    for change in (os.unlink, lambda path: os.rename(path, path + "x"), lambda path: os.chmod(path, 0o777)):
        try:
            change(path)
            print("changed", path)
        except OSError:
            pass
print("end")
