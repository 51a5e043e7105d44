# A folder that is a link to another a moment later, over and over, while the run ends.
# container: kept
import os

os.mkdir("/tmp/real")
open("/tmp/real/file", "w").close()
os.symlink("/etc", "/tmp/link")
if os.fork() == 0:
    os.setsid()
    while True:
        for one, other in (("real", "spare"), ("link", "real"), ("real", "link"), ("spare", "real")):
            try:
                os.rename(f"/tmp/{one}", f"/tmp/{other}")
            except OSError:
                pass
