# Listens under names and numbers that a later run could call.
# container: kept
import os
import socket
import time

kept = []
for number in range(20):
    server = socket.socket(socket.AF_UNIX)
    server.bind(f"\0left-{number}")
    server.listen()
    kept.append(server)
for port in range(8000, 8020):
    kept.append(socket.create_server(("127.0.0.1", port)))
if os.fork() == 0:
    os.setsid()
    time.sleep(100)
