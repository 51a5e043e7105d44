# Gives itself a network: addresses, routes, interfaces, forwarding.
# prints: end
import fcntl
import os
import socket
import struct

with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
    for name in (b"lo", b"eth0", b"tunl0"):
        for request in (0x8914, 0x8916, 0x890B, 0x8922, 0x8924, 0x89F1):  # SIOCSIF…, SIOCADDRT
            try:
                fcntl.ioctl(control, request, name.ljust(16, b"\0") + struct.pack("H", 0x41) + bytes(48))
                print("set", name, hex(request))
            except OSError:
                pass
    for option in (25, 36, 12):  # SO_BINDTODEVICE to a foreign one, SO_MARK, SO_PRIORITY above 6
        try:
            control.setsockopt(socket.SOL_SOCKET, option, struct.pack("I", 7))
            print("option", option)
        except OSError:
            pass
for path in ("/proc/sys/net/ipv4/ip_forward", "/proc/sys/net/ipv4/conf/all/forwarding"):
    if os.access(path, os.W_OK):
        print("writable", path)
print("end")
