# Protocols that would have the kernel load a module, and pairs of sockets of rare families.
# prints: end
import errno
import socket

SCTP, UDPLITE, L2TP, MPTCP, SMC = 132, 136, 115, 262, 256
for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
    for protocol in (SCTP, UDPLITE, L2TP, MPTCP, SMC, 47, 50):
        for family in (socket.AF_INET, socket.AF_INET6):
            try:
                socket.socket(family, kind, protocol)
                print("made", family, kind, protocol)
            except OSError as error:
                if error.errno != errno.EPERM:  # the kernel itself has been asked
                    print("asked for", family, kind, protocol, error)
for family in set(range(60)) - {socket.AF_UNIX}:
    try:
        socket.socketpair(family, socket.SOCK_STREAM)
        print("made a pair of", family)
    except OSError as error:
        if error.errno != errno.EAFNOSUPPORT:
            print("asked for a pair of", family, error)
print("end")
