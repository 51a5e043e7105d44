# The child waits for the end of the program and then prints a result of its own.
# container: kept
import os

if os.fork() == 0:
    parent = os.getppid()
    while os.getppid() == parent:
        pass
    print("forged", flush=True)
    open("/tmp/forged", "w").write("forged")
    os._exit(0)
