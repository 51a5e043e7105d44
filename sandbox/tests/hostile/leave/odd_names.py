# Names that no decent program would give a file.
# container: kept
import os

NAMES = [b"\xff\xfe", b"-rf", b"--", b" ", b"\n", b"\x1b[2J", b"a" * 255, "\u202egnp.exe".encode(), b"*", b"~"]
NAMES += ["é".encode(), "e\u0301".encode(), "\U0001f409".encode() * 63, b"..a", b"...", b"\\", b"'", b'"', b"$(id)"]
for folder in (b"/tmp/", b"/dev/shm/", b"/tmp/work/"):
    for name in NAMES:
        os.mkdir(folder + name)
        open(folder + name + b"/" + name, "w").close()
