# Programs that would run as root, those of the system and one of its own making.
# prints: end
import os
import shutil
import subprocess

for name in ("/bin/su", "/bin/mount", "/usr/bin/passwd", "/usr/bin/sudo", "/usr/bin/newuidmap"):
    try:
        done = subprocess.run([name, "-c", "id -u"], capture_output=True, text=True, stdin=subprocess.DEVNULL)
    except OSError:
        continue
    if done.stdout.strip() == "0":
        print("root by", name)
shutil.copy("/usr/bin/id", "/tmp/id")
os.chmod("/tmp/id", 0o6777)
try:
    if subprocess.run(["/tmp/id", "-u"], capture_output=True, text=True).stdout.strip() == "0":
        print("root by a copy")
except OSError:
    pass
print("end")
