# Changes any setting of the kernel below /proc and /sys, by writing to it what it says already.
# prints: end
import os

paths = ["/proc/sysrq-trigger", "/proc/irq/default_smp_affinity", "/proc/mtrr", "/proc/acpi/alarm"]
for root in ("/proc/sys", "/sys"):
    for folder, _, names in os.walk(root):
        paths += [f"{folder}/{name}" for name in names]
for path in paths:
    try:
        file = os.open(path, os.O_WRONLY | os.O_NONBLOCK)
    except OSError:
        continue
    print("open to writers:", path)
    os.close(file)
print("end")
