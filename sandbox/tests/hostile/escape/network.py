# Neighbours, the host, the cloud's metadata, the internet; by connection, by datagram, by name.
# prints: end
import socket

ADDRESSES = ["169.254.169.254", "172.17.0.1", "172.18.0.1", "192.168.0.1", "10.0.0.1", "10.0.2.2", "1.1.1.1"]
ADDRESSES += ["100.100.100.200", "192.0.2.1", "255.255.255.255", "224.0.0.1"]
ADDRESSES_6 = ["fd00:ec2::254", "2606:4700:4700::1111", "fe80::1", "ff02::1"]
for family, addresses in ((socket.AF_INET, ADDRESSES), (socket.AF_INET6, ADDRESSES_6)):
    for address in addresses:
        for kind, port in ((socket.SOCK_STREAM, 80), (socket.SOCK_STREAM, 2375), (socket.SOCK_DGRAM, 53)):
            try:
                with socket.socket(family, kind) as connection:
                    connection.settimeout(0.2)
                    connection.connect((address, port))
                    connection.send(b"x")
                    print("reached", address, kind)
            except OSError:
                pass
for name in ("example.com", "metadata.google.internal", "host.docker.internal", "redis", "gateway.docker.internal"):
    try:
        print("resolved", name, socket.getaddrinfo(name, 80))
    except OSError:
        pass
print("end")
