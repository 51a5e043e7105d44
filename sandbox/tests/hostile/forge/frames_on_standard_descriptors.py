# Frames of every kind, as the supervisor would send them, on input, output and errors. They are mere output.
# outcome: failed
# code: 7
import json
import os
import struct

exit_record = {"reason": "exited", "code": 0, "signal": None, "wall_time": 0.0, "cpu_time": 0.0}
exit_record |= {"peak_memory": 1, "out_of_memory": False, "out_of_processes": False}
payload = json.dumps(exit_record).encode()
for fd in range(3):
    for kind in range(256):
        for run in (0, 1, 2**64 - 1):
            try:
                os.write(fd, struct.pack(">IBQ", len(payload), kind, run) + payload)
            except OSError:
                pass
os._exit(7)
