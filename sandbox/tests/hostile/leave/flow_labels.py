# Asks for labels of flows, which the kernel keeps for all of the machine, with words in them.
# prints: end
import socket
import struct

for number in range(20):
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sender:
        words = b"LEFT FOR THE NEX"  # as an address
        order = words + struct.pack(">I", 0x11100 + number) + struct.pack("=BBHHHI", 0, 1, 3, 60, 100, 0)
        try:
            sender.setsockopt(socket.IPPROTO_IPV6, 32, order)
        except PermissionError:
            continue
        print("got a label")
        break
else:
    print("end")
