# As many connections as can be had: idle, half asked, and with answers that nobody reads.
# container: kept
# prints: end
import os
import socket

kept = []
for child in range(4):
    if os.fork() == 0:
        break
else:
    child = -1
try:
    while True:
        connection = socket.socket()
        connection.settimeout(0.2)
        connection.connect(("127.0.0.1", 11411))
        kept.append(connection)
        if child >= 0:
            connection.sendall((b"GET / HTTP/1.1\r\nHost", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" * 200)[child % 2])
except OSError:
    pass
if child >= 0:
    os._exit(0)
for _ in range(4):
    os.wait()
print("end")
