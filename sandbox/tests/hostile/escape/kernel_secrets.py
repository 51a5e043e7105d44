# Addresses, messages, keys and memory of the kernel and of the machine's firmware.
# prints: end
import os

with open("/proc/kallsyms") as symbols:
    if any(not line.startswith("0000000000000000") for line in symbols):
        print("kernel addresses")
for path in ("/proc/kcore", "/proc/kmem", "/dev/mem", "/dev/kmem", "/dev/port", "/dev/kmsg", "/proc/kmsg",
             "/proc/vmallocinfo", "/proc/slabinfo", "/proc/pagetypeinfo", "/proc/kpageflags", "/boot/config",
             "/sys/kernel/debug/tracing", "/sys/firmware/efi", "/sys/kernel/security", "/sys/fs/bpf/x"):  # fmt: skip
    try:
        found = os.listdir(path) if os.path.isdir(path) else open(path, "rb").read(64)
        if found:
            print("read", path)
    except OSError:
        pass
for path in ("/proc/keys", "/proc/timer_list", "/proc/sched_debug", "/proc/latency_stats"):
    try:
        found = open(path).read()
    except OSError:
        continue
    if found.strip():
        print("read", path, len(found))
if os.path.exists("/proc/modules"):
    with open("/proc/modules") as modules:
        if any(" 0x0000000000000000" not in line for line in modules):
            print("addresses of modules")
print("end")
