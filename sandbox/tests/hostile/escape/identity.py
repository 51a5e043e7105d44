# Every way to become somebody else.
# prints: end
import os

attempts = {
    "setuid": lambda: os.setuid(0),
    "seteuid": lambda: os.seteuid(0),
    "setresuid": lambda: os.setresuid(-1, 0, -1),
    "setgid": lambda: os.setgid(0),
    "setgroups": lambda: os.setgroups([0]),
    "a former run's user": lambda: os.setuid(os.getuid() - 1),
    "the next run's user": lambda: os.setuid(os.getuid() + 1),
}
for name, attempt in attempts.items():
    try:
        attempt()
        print("became", name)
    except PermissionError:
        pass
print("end")
