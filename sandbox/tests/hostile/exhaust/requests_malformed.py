# Everything that is not HTTP, said to the endpoint for models by many hands, from a seed.
# prints: end
import random
import socket

ENDPOINT = ("127.0.0.1", 11411)
chance = random.Random(4)
WHOLE = b"POST /v1 HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello"
CHUNKS = b"POST /v1 HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
SEEDS = [WHOLE, CHUNKS, WHOLE * 3, b"\r\n" * 100, b"\0" * 100, b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 3000]
PIECES = [b"\r\n", b"\n", b"\0", b" ", b":", b"\xff" * 9, b"f" * 20, b"Content-Length: 9\r\n", b"a" * 20_000]


def mutated():
    text = bytearray(chance.choice(SEEDS))
    for _ in range(chance.randint(0, 4)):
        at = chance.randrange(len(text) + 1)
        text[at : at + chance.choice((0, 1, 7))] = chance.choice([*PIECES, chance.randbytes(8)])
    return bytes(text)


kept = []
for number in range(400):
    connection = socket.create_connection(ENDPOINT)
    connection.settimeout(0.01)
    try:
        text = mutated()
        cut = chance.randrange(len(text) + 1)
        connection.sendall(text[:cut])
        match chance.randrange(5):
            case 0:
                connection.shutdown(socket.SHUT_WR)
            case 1:
                connection.recv(1)
            case 2:
                connection.shutdown(socket.SHUT_RD)
        connection.sendall(text[cut:])
        if chance.random() < 0.3:
            connection.recv(100_000)
    except OSError:
        pass
    if chance.random() < 0.1:
        kept = [*kept[-20:], connection]
    else:
        connection.close()
del kept
with socket.create_connection(ENDPOINT) as connection:
    connection.sendall(WHOLE)
    if b"503 Service Unavailable" not in connection.recv(1000):
        print("no answer to a good request")
print("end")
