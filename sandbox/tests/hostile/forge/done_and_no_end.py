# Says in the supervisor's own words that it is done, and goes on in a thread and a process that write and write.
# outcome: ok or output_limit
# says: begun
# container: kept
import os
import socket
import struct
import threading
import time

print("begun")
if os.fork() == 0:
    while True:
        os.write(1, b"the child goes on\n")
threading.Thread(target=lambda: [print("the thread goes on") for _ in iter(int, 1)], daemon=True).start()
packets = socket.socket(fileno=os.dup(100))
packets.send(struct.pack("=BIIQQB", 19, 0, 0, 0, 0, 0))
time.sleep(60)
