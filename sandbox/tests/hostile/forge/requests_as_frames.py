# Frames of the supervisor, in whatever place of a request a program can choose.
# prints: end
import http.client
import struct

frames = b"".join(struct.pack(">IBQ", 0, kind, run) for kind in range(128, 141) for run in (0, 1, 2**64 - 1))
for method, path, body in (
    ("POST", "/v1", frames),
    ("POST", "/" + frames.hex(), b""),
    ("PUT", '/","headers":{},"method":"X', frames * 100),
):
    connection = http.client.HTTPConnection("127.0.0.1", 11411)
    headers = {"Accept": '"}}' + frames.hex(), "Authorization": frames.replace(b"\r", b"").replace(b"\n", b"")}
    connection.request(method, path, body, headers)
    connection.getresponse().read()
print("end")
