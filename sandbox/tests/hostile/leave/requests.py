# Requests that are not over when the program is: half written, unanswered, waiting to be accepted.
# container: kept
import os
import socket
import struct

ENDPOINT = ("127.0.0.1", 11411)
kept = []
for text in (b"", b"GET / HT", b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4000000\r\n\r\n" + bytes(3_000_000)):
    connection = socket.create_connection(ENDPOINT)
    connection.setblocking(False)
    try:
        connection.send(text)
    except BlockingIOError:
        pass
    kept.append(connection)
if os.fork() == 0:
    os.setsid()
    while True:  # until it is killed in the middle of it
        connection = socket.socket()
        connection.setblocking(False)
        connection.connect_ex(ENDPOINT)
        try:
            connection.send(b"GET /late HTTP/1.1\r\nHost: x\r\n\r\n" * 100)
        except OSError:
            pass
        kept = [*kept[-150:], connection]
