# A socket file of any engine, or of anything else, anywhere.
# prints: end
import os
import stat

for folder, folders, names in os.walk("/"):
    folders[:] = [name for name in folders if f"{folder}/{name}" not in ("//proc", "//sys", "//usr")]
    for name in names:
        try:
            mode = os.lstat(f"{folder}/{name}").st_mode
        except OSError:
            continue
        if stat.S_ISSOCK(mode) or stat.S_ISFIFO(mode):
            print(folder, name)
with open("/proc/net/unix") as table:
    names = [line.split()[-1] for line in table.read().splitlines()[1:] if len(line.split()) == 8]
    if names:
        print(names)
print("end")
