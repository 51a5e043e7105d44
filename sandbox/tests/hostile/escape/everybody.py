# Kills whatever it can reach: that is itself.
# outcome: failed or ok
# container: kept
import os
import signal

for victim in (-1, 0):
    os.kill(victim, signal.SIGKILL)
print("still here")
