# Sockets that see or make packets of their own.
# prints: end
import socket

AF_VSOCK, AF_ALG, AF_XDP, AF_TIPC, AF_RDS, AF_BLUETOOTH, AF_CAN, AF_KEY = 40, 38, 44, 30, 21, 31, 29, 15
families = (AF_VSOCK, AF_ALG, AF_XDP, AF_TIPC, AF_RDS, AF_BLUETOOTH, AF_CAN, AF_KEY, socket.AF_PACKET)
for family in (*families, socket.AF_NETLINK, *range(45, 60)):
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_RAW, socket.SOCK_SEQPACKET):
        try:
            socket.socket(family, kind)
            print("made", family, kind)
        except OSError:
            pass
for family in (socket.AF_INET, socket.AF_INET6):
    for kind in (socket.SOCK_RAW, socket.SOCK_SEQPACKET, 6, 10):
        try:
            socket.socket(family, kind)
            print("made", family, kind)
        except OSError:
            pass
print("end")
