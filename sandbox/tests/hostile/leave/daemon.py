# Leaves the session and the run, and goes on writing where it can.
# says: left behind
# container: kept
import os
import time

if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        while True:
            os.write(1, b"left behind\n")
            open("/tmp/daemon", "a").write("left behind\n")
            time.sleep(0.001)
    os._exit(0)
os.wait()
time.sleep(0.05)
